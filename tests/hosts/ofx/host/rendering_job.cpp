// SPDX-License-Identifier: GPL-3.0-or-later
#include "rendering_job.h"

namespace host {
namespace {

Properties image_of(const Request& request, Buffer& buffer) {
    return arguments({{"OfxImageEffectPropPixelDepth", {request.depth}},
                      {"OfxImageEffectPropComponents", {request.components}},
                      {"OfxImageEffectPropPreMultiplication", {request.alpha}},
                      {"OfxImageEffectPropRenderScale", {request.scale_x, request.scale_y}},
                      {"OfxImagePropPixelAspectRatio", {request.aspect}},
                      {"OfxImagePropData", {static_cast<void*>(buffer.pixels.data() + buffer.offset)}},
                      {"OfxImagePropBounds", {buffer.bounds.x1, buffer.bounds.y1, buffer.bounds.x2, buffer.bounds.y2}},
                      {"OfxImagePropRowBytes", {buffer.row_bytes}}});
}

}  // namespace

Outcome render(const Library& library, Effect& instance, Request& request) {
    Job job;
    job.has_source = !request.source.pixels.empty();
    job.source = image_of(request, request.source);
    job.output = image_of(request, request.output);
    job.source_region = request.source_region;
    job.abort_after = request.abort_after;
    const ofx::RectI& window = request.window;
    Properties in = arguments({{"OfxPropTime", {request.time}},
                               {"OfxImageEffectPropFieldToRender", {request.field}},
                               {"OfxImageEffectPropRenderWindow", {window.x1, window.y1, window.x2, window.y2}},
                               {"OfxImageEffectPropRenderScale", {request.scale_x, request.scale_y}}});
    current_job = &job;
    starve(request.starve_after);
    const ofx::Status status = library.act("OfxImageEffectActionRender", &instance, &in, nullptr);
    starve(-1);
    current_job = nullptr;
    return {status, job.images_out};
}

Request whole_frame(int width, int height) {
    Request request;
    request.window = {0, 0, width, height};
    request.source_region = {0, 0, double(width), double(height)};
    for (Buffer* buffer : {&request.source, &request.output}) {
        buffer->bounds = request.window;
        buffer->row_bytes = width * 16;
        buffer->pixels.resize(static_cast<std::size_t>(width) * 16 * static_cast<std::size_t>(height));
    }
    auto* samples = reinterpret_cast<float*>(request.source.pixels.data());
    for (std::size_t i = 0; i < request.source.pixels.size() / 4; ++i)
        samples[i] = static_cast<float>(i % 251) / 250.0f;
    return request;
}

}  // namespace host
