// SPDX-License-Identifier: GPL-3.0-or-later
// A patch as rows of the host's image: floats, premultiplied, resampled where the sizes differ.
#pragma once

#include <vector>

#include "frame_cache.h"
#include "placement.h"

namespace maskedit {

class PatchRows {
public:
    // `window`: the image pixels that will be asked for.
    PatchRows(const Patch& patch, const CacheFacts& plate, const Placement& placement, const ofx::RectI& window);

    // The image pixels that the patch reaches: columns [left, right) of rows [bottom, top).
    int left() const { return columns_.begin; }
    int right() const { return columns_.end; }
    bool reaches(int row) const { return row >= rows_.begin && row < rows_.end; }
    // RGBA of the columns that the patch reaches, in one row that it reaches. Lives until the next call.
    const float* row(int row);

private:
    const float* plate_row(int plate_row);
    void squeeze(const std::vector<float>& from, std::vector<float>& to) const;

    Patch patch_;
    Taps columns_, rows_;
    int first_ = 0, count_ = 0;  // the region's columns that are used
    std::vector<float> plate_row_, sum_, image_row_;
};

}  // namespace maskedit
