// SPDX-License-Identifier: GPL-3.0-or-later
// IEEE 754 half to float and back, whole rows at once: by the processor (F16C) where it can, else by bits. Both ways
// give the same bits: to half rounds to nearest, ties to even, and a NaN keeps the high end of its payload, quietened.
#pragma once

#include <cstddef>
#include <cstdint>

namespace maskedit {

using HalfToFloat = void (*)(const std::uint16_t* from, float* to, std::size_t count);
using FloatToHalf = void (*)(const float* from, std::uint16_t* to, std::size_t count);

struct HalfConversion {
    HalfToFloat to_float;
    FloatToHalf to_half;
};

// The way by bits, for any processor; what `half_conversion` falls back to.
HalfConversion portable_half_conversion();
// The fastest way that this processor has, found at the first call.
const HalfConversion& half_conversion();

}  // namespace maskedit
