// SPDX-License-Identifier: GPL-3.0-or-later
// One render window: the source copied, and the patch laid over it where it reaches.
#pragma once

#include <functional>

#include "blending.h"
#include "frame_cache.h"
#include "pixels.h"
#include "placement.h"

namespace maskedit {

struct Frame {
    Image source, output;  // both of `kind`; a source without data is transparent
    const PixelKind* kind = nullptr;
    ofx::RectI window{};
    Alpha alpha = Alpha::kPremultiplied;
};

// What is laid over a frame. `patch` stays valid while `cache` is held.
struct Overlay {
    std::shared_ptr<FrameCache> cache;
    Patch patch;
    Placement placement;
    float mix = 1;
    bool shows_matte = false;
};

// Copies the source, transparent where it ends, into the window. `goes_on` is asked now and then; false stops.
void copy_source(const Frame& frame, const std::function<bool()>& goes_on);
// Lays `overlay` over the source, or shows its matte. Touches nothing outside the window. Raises std::bad_alloc.
void render(const Frame& frame, const Overlay& overlay, const std::function<bool()>& goes_on);

}  // namespace maskedit
