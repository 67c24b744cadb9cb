// SPDX-License-Identifier: GPL-3.0-or-later
#include "rendering.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "patch_rows.h"

namespace maskedit {
namespace {

constexpr int kRowsBetweenQuestions = 16;

// Where a span [from, to) and the source's columns overlap; empty is {to, to}.
struct Span {
    int from, to;
};

Span source_part(const Frame& frame, int row, int from, int to) {
    if (!frame.source.has(row)) return {to, to};
    const int first = std::clamp(frame.source.bounds.x1, from, to),
              last = std::clamp(frame.source.bounds.x2, first, to);
    return first < last ? Span{first, last} : Span{to, to};
}

void copy_span(const Frame& frame, int row, int from, int to) {
    if (from >= to) return;
    const std::size_t bytes = frame.kind->bytes;
    const Span part = source_part(frame, row, from, to);
    unsigned char* out = frame.output.at(from, row, bytes);
    std::memset(out, 0, bytes * (part.from - from));
    if (part.from < part.to)  // a host may let us work in place
        std::memmove(out + bytes * (part.from - from), frame.source.at(part.from, row, bytes),
                     bytes * (part.to - part.from));
    std::memset(out + bytes * (part.to - from), 0, bytes * (to - part.to));
}

// A row of the source as floats, wherever it is: in place if it can be, else by way of `row`.
const float* source_floats(const Frame& frame, int row, int from, int to, std::vector<float>& floats) {
    const Span part = source_part(frame, row, from, to);
    const bool is_whole = part.from == from && part.to == to;
    const unsigned char* pixels =
        is_whole || part.from < part.to ? frame.source.at(part.from, row, frame.kind->bytes) : nullptr;
    if (is_whole && is_float(*frame.kind)) return reinterpret_cast<const float*>(pixels);
    if (!is_whole) std::fill(floats.begin(), floats.end(), 0.0f);
    if (pixels) frame.kind->to_float(pixels, floats.data() + std::size_t{4} * (part.from - from), part.to - part.from);
    return floats.data();
}

// The rows of one window; `Rows` holds what they need again and again.
class Rows {
public:
    Rows(const Frame& frame, const Overlay& overlay)
        : frame_(frame),
          overlay_(overlay),
          patch_(overlay.patch, overlay.cache->facts(), overlay.placement, frame.window),
          source_(std::size_t{4} * (patch_.right() - patch_.left())),
          out_(is_float(*frame.kind) ? 0 : source_.size()) {
        if (!overlay.shows_matte) return;
        const std::size_t width = static_cast<std::size_t>(frame.window.x2) - frame.window.x1;
        std::vector<float> black(4 * width, 0.0f);
        for (std::size_t i = 3; i < black.size(); i += 4) black[i] = 1.0f;
        black_.resize(width * frame.kind->bytes);
        frame.kind->from_float(black.data(), black_.data(), width);
    }

    void render(int row) {
        const int left = patch_.reaches(row) ? patch_.left() : frame_.window.x2;
        const int right = patch_.reaches(row) ? patch_.right() : frame_.window.x2;
        outside(row, frame_.window.x1, left);
        outside(row, right, frame_.window.x2);
        if (left < right) inside(row, left, right);
    }

private:
    void outside(int row, int from, int to) {
        if (!overlay_.shows_matte) return copy_span(frame_, row, from, to);
        const std::size_t bytes = frame_.kind->bytes;
        if (from < to) std::memcpy(frame_.output.at(from, row, bytes), black_.data(), bytes * (to - from));
    }

    void inside(int row, int left, int right) {
        const std::size_t pixels = static_cast<std::size_t>(right - left);
        unsigned char* to = frame_.output.at(left, row, frame_.kind->bytes);
        float* out = is_float(*frame_.kind) ? reinterpret_cast<float*>(to) : out_.data();
        const float* patch = patch_.row(row);
        if (overlay_.shows_matte) {
            show_matte(patch, out, pixels);
        } else {
            const float* source = source_floats(frame_, row, left, right, source_);
            lay_over(patch, source, out, pixels, frame_.alpha, overlay_.mix);
        }
        if (!is_float(*frame_.kind)) frame_.kind->from_float(out, to, pixels);
    }

    const Frame& frame_;
    const Overlay& overlay_;
    PatchRows patch_;
    std::vector<float> source_, out_;
    std::vector<unsigned char> black_;
};

template <class Row>
void each_row(const ofx::RectI& window, const std::function<bool()>& goes_on, Row&& row) {
    for (int y = window.y1; y < window.y2; ++y) {
        if ((y - window.y1) % kRowsBetweenQuestions == 0 && !goes_on()) return;
        row(y);
    }
}

}  // namespace

void copy_source(const Frame& frame, const std::function<bool()>& goes_on) {
    each_row(frame.window, goes_on, [&](int row) { copy_span(frame, row, frame.window.x1, frame.window.x2); });
}

void render(const Frame& frame, const Overlay& overlay, const std::function<bool()>& goes_on) {
    Rows rows(frame, overlay);
    each_row(frame.window, goes_on, [&](int row) { rows.render(row); });
}

}  // namespace maskedit
