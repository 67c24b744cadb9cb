// SPDX-License-Identifier: GPL-3.0-or-later
#include "placement.h"

#include <algorithm>
#include <cmath>

namespace maskedit {
namespace {

// Less than this of a pixel is a rounding error of the host's numbers.
constexpr double kNothing = 1e-5;
constexpr double kSameShape = 0.01;

double filled(double scaled, double whole, double plate_pixels) {
    return std::abs(scaled / whole - 1) < kSameShape ? whole / plate_pixels : scaled / plate_pixels;
}

}  // namespace

Placement place(const CacheFacts& plate, const View& view) {
    // The source in its own pixels at full size.
    const double left = view.source.x1 / view.pixel_aspect, bottom = view.source.y1;
    const double width = view.source.x2 / view.pixel_aspect - left, height = view.source.y2 - bottom;
    // Source pixels per plate pixel.
    double wide = 1, high = 1;
    if (std::abs(width - plate.width) > 0.5 || std::abs(height - plate.height) > 0.5) {
        const double shown_width = plate.width * plate.pixel_aspect / view.pixel_aspect;
        const double fit = std::min(width / shown_width, height / plate.height);
        wide = filled(shown_width * fit, width, plate.width);
        high = filled(plate.height * fit, height, plate.height);
    }
    const double edge_left = left + (width - plate.width * wide) / 2;
    const double edge_top = bottom + (height + plate.height * high) / 2;
    Placement placement;
    placement.columns = {1 / (view.scale_x * wide), -edge_left / wide};
    placement.rows = {-1 / (view.scale_y * high), edge_top / high};
    return placement;
}

Taps sample(const Axis& axis, int from, int to, int plate_pixels, int region, int count) {
    Taps taps;
    taps.begin = taps.end = from;
    const double half_area = std::max(1.0, std::abs(axis.step)) / 2;
    for (int pixel = from; pixel < to; ++pixel) {
        const double centre = axis.step * (pixel + 0.5) + axis.start;
        const double low = std::max(0.0, centre - half_area), high = std::min<double>(plate_pixels, centre + half_area);
        if (!(high - low > kNothing)) continue;
        const int first = static_cast<int>(std::floor(low + kNothing));
        const int last = std::min(plate_pixels, static_cast<int>(std::ceil(high - kNothing)));
        const int first_inside = std::max(first, region), last_inside = std::min(last, region + count);
        if (first_inside >= last_inside) continue;
        if (taps.taps.empty()) taps.begin = pixel;
        taps.end = pixel + 1;
        taps.taps.push_back({first_inside - region, last_inside - first_inside, taps.weights.size()});
        for (int under = first_inside; under < last_inside; ++under) {
            const double covered = std::min<double>(high, under + 1) - std::max<double>(low, under);
            const bool is_only = last - first == 1;
            taps.weights.push_back(is_only ? 1.0f : static_cast<float>(covered / (high - low)));
            taps.is_direct = taps.is_direct && is_only && std::abs(std::abs(axis.step) - 1) < kNothing;
        }
    }
    return taps;
}

}  // namespace maskedit
