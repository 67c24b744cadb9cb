// SPDX-License-Identifier: GPL-3.0-or-later
#include "half.h"

#include <cstring>

#if !defined(MASKEDIT_PORTABLE_HALF) && (defined(__x86_64__) || defined(_M_X64))
#define MASKEDIT_HAS_F16C 1
#include <immintrin.h>
#ifdef _MSC_VER
#include <intrin.h>
#define MASKEDIT_F16C
#else
#include <cpuid.h>
#define MASKEDIT_F16C __attribute__((target("avx,f16c")))
#endif
#endif

namespace maskedit {
namespace {

float float_of_bits(std::uint32_t bits) {
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

std::uint32_t bits_of_float(float value) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

void to_float_by_bits(const std::uint16_t* from, float* to, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint32_t sign = (from[i] & 0x8000u) << 16, exponent = (from[i] >> 10) & 31u,
                            fraction = from[i] & 1023u;
        std::uint32_t bits;
        if (exponent == 0)
            bits = bits_of_float(static_cast<float>(fraction) * 0x1p-24f);
        else if (exponent == 31)
            bits = 0x7F800000u | (fraction << 13) | (fraction ? 0x400000u : 0u);
        else
            bits = ((exponent + 112) << 23) | (fraction << 13);
        to[i] = float_of_bits(sign | bits);
    }
}

void to_half_by_bits(const float* from, std::uint16_t* to, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint32_t bits = bits_of_float(from[i]), sign = (bits >> 16) & 0x8000u, rest = bits & 0x7FFFFFFFu;
        std::uint32_t half;
        if (rest > 0x7F800000u) {
            half = 0x7E00u | ((rest >> 13) & 1023u);
        } else if (rest >= 0x477FF000u) {  // 65520: from there the nearest half is infinite
            half = 0x7C00u;
        } else if (rest < 0x38800000u) {  // below the smallest normal half: adding 0.5 rounds at the place that stays
            half = bits_of_float(float_of_bits(rest) + 0.5f) - 0x3F000000u;
        } else {
            half = (rest - 0x38000000u + 0xFFFu + ((rest >> 13) & 1u)) >> 13;
        }
        to[i] = static_cast<std::uint16_t>(sign | half);
    }
}

#ifdef MASKEDIT_HAS_F16C
MASKEDIT_F16C void to_float_by_f16c(const std::uint16_t* from, float* to, std::size_t count) {
    for (; count >= 8; count -= 8, from += 8, to += 8)
        _mm256_storeu_ps(to, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))));
    to_float_by_bits(from, to, count);
}

MASKEDIT_F16C void to_half_by_f16c(const float* from, std::uint16_t* to, std::size_t count) {
    for (; count >= 8; count -= 8, from += 8, to += 8) {
        const __m128i halves = _mm256_cvtps_ph(_mm256_loadu_ps(from), _MM_FROUND_TO_NEAREST_INT);
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to), halves);
    }
    to_half_by_bits(from, to, count);
}

// The processor can, and the system keeps its wide registers when it turns to another thread.
bool has_f16c() {
#ifdef _MSC_VER
    int id[4];
    __cpuid(id, 1);
    constexpr unsigned kOsxsave = 1u << 27, kAvx = 1u << 28, kF16c = 1u << 29, kWanted = kOsxsave | kAvx | kF16c;
    return (static_cast<unsigned>(id[2]) & kWanted) == kWanted && (_xgetbv(0) & 6) == 6;
#else
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C) && __builtin_cpu_supports("avx");
#endif
}
#endif

}  // namespace

HalfConversion portable_half_conversion() { return {to_float_by_bits, to_half_by_bits}; }

const HalfConversion& half_conversion() {
#ifdef MASKEDIT_HAS_F16C
    static const HalfConversion chosen =
        has_f16c() ? HalfConversion{to_float_by_f16c, to_half_by_f16c} : portable_half_conversion();
#else
    static const HalfConversion chosen = portable_half_conversion();
#endif
    return chosen;
}

}  // namespace maskedit
