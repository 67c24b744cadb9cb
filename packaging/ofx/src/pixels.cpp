// SPDX-License-Identifier: GPL-3.0-or-later
#include "pixels.h"

#include <cstdint>
#include <cstring>

#include "half.h"
#include "ofx_names.h"

namespace maskedit {
namespace {

template <class Code, int kMost>
void codes_to_float(const void* from, float* to, std::size_t pixels) {
    const auto* codes = static_cast<const Code*>(from);
    for (std::size_t i = 0; i < 4 * pixels; ++i) to[i] = static_cast<float>(codes[i]) * (1.0f / kMost);
}

template <class Code, int kMost>
void codes_from_float(const float* from, void* to, std::size_t pixels) {
    auto* codes = static_cast<Code*>(to);
    for (std::size_t i = 0; i < 4 * pixels; ++i) {
        const float scaled = from[i] * kMost + 0.5f;
        const float clipped = scaled > 0.0f ? (scaled < kMost + 0.5f ? scaled : static_cast<float>(kMost)) : 0.0f;
        codes[i] = static_cast<Code>(static_cast<std::int32_t>(clipped));
    }
}

void halves_to_float(const void* from, float* to, std::size_t pixels) {
    half_conversion().to_float(static_cast<const std::uint16_t*>(from), to, 4 * pixels);
}

void halves_from_float(const float* from, void* to, std::size_t pixels) {
    half_conversion().to_half(from, static_cast<std::uint16_t*>(to), 4 * pixels);
}

void floats_to_float(const void* from, float* to, std::size_t pixels) { std::memcpy(to, from, 16 * pixels); }
void floats_from_float(const float* from, void* to, std::size_t pixels) { std::memcpy(to, from, 16 * pixels); }

constexpr PixelKind kByte{4, codes_to_float<std::uint8_t, 255>, codes_from_float<std::uint8_t, 255>};
constexpr PixelKind kShort{8, codes_to_float<std::uint16_t, 65535>, codes_from_float<std::uint16_t, 65535>};
constexpr PixelKind kHalf{8, halves_to_float, halves_from_float};
constexpr PixelKind kFloat{16, floats_to_float, floats_from_float};

}  // namespace

const PixelKind* pixel_kind(const char* depth) {
    if (std::strcmp(depth, ofx::depth::kFloat) == 0) return &kFloat;
    if (std::strcmp(depth, ofx::depth::kHalf) == 0) return &kHalf;
    if (std::strcmp(depth, ofx::depth::kShort) == 0) return &kShort;
    if (std::strcmp(depth, ofx::depth::kByte) == 0) return &kByte;
    return nullptr;
}

bool is_float(const PixelKind& kind) { return &kind == &kFloat; }

}  // namespace maskedit
