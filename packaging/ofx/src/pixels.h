// SPDX-License-Identifier: GPL-3.0-or-later
// RGBA pixels as hosts keep them, and an image of them.
#pragma once

#include <cstddef>

#include "ofx_abi.h"

namespace maskedit {

// One kind of pixel. Floats are 1.0 at the integers' highest code; integers round to the nearest and clip.
struct PixelKind {
    std::size_t bytes;  // of one RGBA pixel
    void (*to_float)(const void* from, float* to, std::size_t pixels);
    void (*from_float)(const float* from, void* to, std::size_t pixels);
};

// The kind that OpenFX calls so; null for one that is not supported.
const PixelKind* pixel_kind(const char* depth);
// Whether rows of this kind are rows of floats already.
bool is_float(const PixelKind& kind);

// `data` is the pixel (bounds.x1, bounds.y1); rows go up, `row_bytes` apart, which may be negative.
struct Image {
    unsigned char* data = nullptr;
    ofx::RectI bounds{};
    std::ptrdiff_t row_bytes = 0;

    bool has(int row) const { return data && row >= bounds.y1 && row < bounds.y2; }
    unsigned char* at(int x, int y, std::size_t pixel_bytes) const {
        return data + row_bytes * (std::ptrdiff_t{y} - bounds.y1) +
               (std::ptrdiff_t{x} - bounds.x1) * static_cast<std::ptrdiff_t>(pixel_bytes);
    }
};

}  // namespace maskedit
