// SPDX-License-Identifier: GPL-3.0-or-later
#include "patch_rows.h"

#include <algorithm>
#include <cstddef>

#include "half.h"

namespace maskedit {
namespace {

// An alpha that is no number counts as none.
inline float coverage(float alpha) { return alpha > 0.0f ? (alpha < 1.0f ? alpha : 1.0f) : 0.0f; }

void premultiply(float* row, int pixels) {
    for (int i = 0; i < pixels; ++i, row += 4) {
        const float alpha = coverage(row[3]);
        row[0] *= alpha;
        row[1] *= alpha;
        row[2] *= alpha;
        row[3] = alpha;
    }
}

}  // namespace

PatchRows::PatchRows(const Patch& patch, const CacheFacts& plate, const Placement& placement, const ofx::RectI& window)
    : patch_(patch),
      columns_(sample(placement.columns, window.x1, window.x2, static_cast<int>(plate.width), patch.x, patch.width)),
      rows_(sample(placement.rows, window.y1, window.y2, static_cast<int>(plate.height), patch.y, patch.height)) {
    if (columns_.taps.empty()) return;
    const Tap &leftmost = columns_.taps.front(), &rightmost = columns_.taps.back();
    first_ = leftmost.first;
    count_ = rightmost.first + rightmost.count - first_;
    plate_row_.resize(std::size_t{4} * count_);
    if (!rows_.is_direct) sum_.resize(plate_row_.size());
    if (!columns_.is_direct) image_row_.resize(columns_.taps.size() * 4);
}

const float* PatchRows::row(int row) {
    const Tap& tap = rows_.of(row);
    if (rows_.is_direct) {
        plate_row(tap.first);
    } else {
        std::fill(sum_.begin(), sum_.end(), 0.0f);
        for (int i = 0; i < tap.count; ++i) {
            const float weight = rows_.weights[tap.weight + i];
            const float* added = plate_row(tap.first + i);
            for (std::size_t sample = 0; sample < sum_.size(); ++sample) sum_[sample] += weight * added[sample];
        }
    }
    const std::vector<float>& unsqueezed = rows_.is_direct ? plate_row_ : sum_;
    if (columns_.is_direct) return unsqueezed.data();
    squeeze(unsqueezed, image_row_);
    return image_row_.data();
}

const float* PatchRows::plate_row(int plate_row) {
    const std::uint16_t* halves = patch_.pixels + 4 * (std::size_t{1} * plate_row * patch_.width + first_);
    half_conversion().to_float(halves, plate_row_.data(), plate_row_.size());
    premultiply(plate_row_.data(), count_);
    return plate_row_.data();
}

void PatchRows::squeeze(const std::vector<float>& from, std::vector<float>& to) const {
    float* out = to.data();
    for (const Tap& tap : columns_.taps) {
        const float* in = from.data() + std::size_t{4} * (tap.first - first_);
        float red = 0, green = 0, blue = 0, alpha = 0;
        for (int i = 0; i < tap.count; ++i, in += 4) {
            const float weight = columns_.weights[tap.weight + i];
            red += weight * in[0];
            green += weight * in[1];
            blue += weight * in[2];
            alpha += weight * in[3];
        }
        out[0] = red, out[1] = green, out[2] = blue, out[3] = alpha;
        out += 4;
    }
}

}  // namespace maskedit
