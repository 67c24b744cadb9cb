// SPDX-License-Identifier: GPL-3.0-or-later
// Where the plate lies in the host's images, and which plate pixels make one image pixel.
#pragma once

#include <cstddef>
#include <vector>

#include "frame_cache.h"
#include "ofx_abi.h"

namespace maskedit {

// What the host says of the picture: where the source is (canonical), the shape of its pixels, the proxy's scale.
struct View {
    ofx::RectD source;
    double pixel_aspect = 1;
    double scale_x = 1, scale_y = 1;
};

// One axis from image to plate: the centre of image pixel i lies at step * (i + 0.5) + start plate pixels.
struct Axis {
    double step = 1, start = 0;
};

// The plate from its top left, in images from their bottom left: `rows.step` is negative.
struct Placement {
    Axis columns, rows;
};

// A plate of the source's own size lies on it pixel for pixel. Another is scaled to fit inside it, in the middle, with
// the shape that its own pixel aspect gives it; where that fills the source to within one percent, it fills it.
Placement place(const CacheFacts& plate, const View& view);

// The plate pixels behind one image pixel: `count` from the region's pixel `first` on, with weights from `weight` on.
struct Tap {
    int first = 0, count = 0;
    std::size_t weight = 0;
};

// The image pixels [begin, end) that a region reaches on one axis. `is_direct`: each is one plate pixel, unscaled.
struct Taps {
    int begin = 0, end = 0;
    bool is_direct = true;
    std::vector<Tap> taps;
    std::vector<float> weights;

    const Tap& of(int pixel) const { return taps[static_cast<std::size_t>(pixel - begin)]; }
};

// Area sampling: an image pixel is the mean of the plate under it. Where the plate is enlarged, the area is one plate
// pixel wide, which is linear interpolation. What of the area is beyond the plate does not count; a plate pixel outside
// the region [region, region + count) does, but is transparent: it has no tap.
Taps sample(const Axis& axis, int from, int to, int plate_pixels, int region, int count);

}  // namespace maskedit
