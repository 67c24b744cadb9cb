// SPDX-License-Identifier: GPL-3.0-or-later
// A premultiplied patch laid over the source, pixel by pixel, in the source's own kind of alpha.
#pragma once

#include <cstddef>

namespace maskedit {

enum class Alpha { kOpaque, kPremultiplied, kUnpremultiplied };

// `mix`, 0 to 1, is how much of the patch shows. All rows are RGBA floats; a pixel where nothing of the patch shows
// comes out with the source's own bits. `out` may be `source`.
void lay_over(const float* patch, const float* source, float* out, std::size_t pixels, Alpha alpha, float mix);

// The patch's alpha as grey, opaque.
void show_matte(const float* patch, float* out, std::size_t pixels);

}  // namespace maskedit
