// SPDX-License-Identifier: GPL-3.0-or-later
#include "blending.h"

#include <algorithm>

namespace maskedit {
namespace {

// As many pixels at a time as leave rows and weights in the first cache.
constexpr std::size_t kBlock = 256;

// How much of the source each sample keeps. Written out for all four samples of a pixel, so that the loop over them is
// one that compilers turn into vectors.
using Weights = float[4 * kBlock];

inline void write_pixel(float* pixel, float colour, float alpha) {
    pixel[0] = pixel[1] = pixel[2] = colour;
    pixel[3] = alpha;
}

inline void keep_premultiplied(const float* patch, std::size_t pixels, float mix, Weights& keep) {
    for (std::size_t i = 0; i < 4 * pixels; i += 4) {
        const float kept = 1.0f - patch[i + 3] * mix;
        write_pixel(keep + i, kept, kept);
    }
}

// The source's alpha means nothing and stays.
inline void keep_opaque(const float* patch, std::size_t pixels, float mix, Weights& keep) {
    for (std::size_t i = 0; i < 4 * pixels; i += 4) write_pixel(keep + i, 1.0f - patch[i + 3] * mix, 1.0f);
}

// As if the source were multiplied by its alpha, and the result divided by the alpha that it then has. `gain`: what the
// patch is multiplied by.
inline void keep_straight(const float* patch, const float* source, std::size_t pixels, float mix, Weights& keep,
                          Weights& gain) {
    for (std::size_t i = 0; i < 4 * pixels; i += 4) {
        const float shown = patch[i + 3] * mix, kept = source[i + 3] * (1.0f - shown);
        const float whole = shown > 0.0f ? kept + shown : 1.0f;
        write_pixel(keep + i, shown > 0.0f ? kept / whole : 1.0f, 1.0f - shown);
        write_pixel(gain + i, mix / whole, mix);
    }
}

// A sample is the source's own where all of it is kept and the patch's own where nothing is: neither may be touched by
// a product with zero (an infinite highlight of the source would turn into no number).
inline float laid(float source, float patch, float keep) {
    const float mixed = source * keep + patch;
    return keep < 1.0f ? (keep > 0.0f ? mixed : patch) : source;
}

}  // namespace

void lay_over(const float* patch, const float* source, float* out, std::size_t pixels, Alpha alpha, float mix) {
    Weights keep, gain;
    for (std::size_t done = 0; done < pixels; done += kBlock) {
        const std::size_t block = std::min(kBlock, pixels - done), at = 4 * done, samples = 4 * block;
        const float *of_patch = patch + at, *of_source = source + at;
        float* to = out + at;
        if (alpha == Alpha::kUnpremultiplied) {
            keep_straight(of_patch, of_source, block, mix, keep, gain);
            for (std::size_t i = 0; i < samples; ++i) to[i] = laid(of_source[i], of_patch[i] * gain[i], keep[i]);
        } else {
            if (alpha == Alpha::kOpaque)
                keep_opaque(of_patch, block, mix, keep);
            else
                keep_premultiplied(of_patch, block, mix, keep);
            for (std::size_t i = 0; i < samples; ++i) to[i] = laid(of_source[i], of_patch[i] * mix, keep[i]);
        }
    }
}

void show_matte(const float* patch, float* out, std::size_t pixels) {
    for (std::size_t i = 0; i < 4 * pixels; i += 4) {
        out[i] = out[i + 1] = out[i + 2] = patch[i + 3];
        out[i + 3] = 1.0f;
    }
}

}  // namespace maskedit
