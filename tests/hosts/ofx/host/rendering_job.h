// SPDX-License-Identifier: GPL-3.0-or-later
// One render as a host asks for it: two images, a window, a time.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model.h"

namespace host {

// `bounds`, and where in `pixels` the pixel (x1, y1) begins. No pixels: there is no such image.
struct Buffer {
    ofx::RectI bounds{};
    int row_bytes = 0;
    long offset = 0;
    std::vector<unsigned char> pixels;
};

struct Request {
    double time = 0, scale_x = 1, scale_y = 1, aspect = 1;
    std::string depth = "OfxBitDepthFloat", components = "OfxImageComponentRGBA", field = "OfxFieldNone";
    std::string alpha = "OfxImageAlphaPremultiplied";
    ofx::RectI window{};
    ofx::RectD source_region{};
    Buffer source, output;
    int abort_after = -1, starve_after = -1;
};

struct Outcome {
    ofx::Status status = ofx::kOK;
    int images_out = 0;
};

Outcome render(const Library& library, Effect& instance, Request& request);

// The pixels of the take's whole plate at full size, float, packed, as bench and storm use them.
Request whole_frame(int width, int height);

}  // namespace host
