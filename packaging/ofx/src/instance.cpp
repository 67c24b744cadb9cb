// SPDX-License-Identifier: GPL-3.0-or-later
#include "instance.h"

#include <cmath>
#include <string>

#include "describing.h"
#include "host.h"
#include "ofx_names.h"
#include "open_caches.h"

namespace maskedit {
namespace {

// Times are doubles: frame 5 may come as 4.9999. The second field, at a half, belongs to its frame.
constexpr double kSlack = 1.0 / 64, kMostTime = 9e15;

template <class Value>
Value value_at(ofx::Param param, ofx::Time time) {
    Value value{};
    must(suites().params->paramGetValueAtTime(param, time, &value));
    return value;
}

}  // namespace

Instance::Instance(ofx::Effect effect) {
    must(suites().effects->getParamSet(effect, &params_));
    take_ = param(name::kTake);
    frame_offset_ = param(name::kFrameOffset);
    mix_ = param(name::kMix);
    show_matte_ = param(name::kShowMatte);
    looks_ = param(name::kLooks);
    must(suites().effects->clipGetHandle(effect, ofx::clip::kSource, &source_, nullptr));
    must(suites().effects->clipGetHandle(effect, ofx::clip::kOutput, &output_, nullptr));
}

ofx::Param Instance::param(const char* name) const {
    ofx::Param found = nullptr;
    must(suites().params->paramGetHandle(params_, name, &found, nullptr));
    return found;
}

bool Instance::find_overlay(ofx::Time time, Overlay& overlay) {
    if (!(std::abs(time) < kMostTime)) return false;
    const char* path = value_at<const char*>(take_, time);
    overlay.cache = open_cache(path ? path : "");
    {
        std::lock_guard<std::mutex> lock(holding_);
        held_ = overlay.cache;
    }
    if (!overlay.cache) return false;
    const auto frame = static_cast<std::int64_t>(std::floor(time + kSlack)) + value_at<int>(frame_offset_, time);
    if (!overlay.cache->find(frame, overlay.patch)) return false;
    overlay.shows_matte = value_at<int>(show_matte_, time) != 0;
    const double mix = value_at<double>(mix_, time);
    overlay.mix = mix > 0 ? (mix < 1 ? static_cast<float>(mix) : 1.0f) : 0.0f;
    return overlay.shows_matte || (overlay.mix > 0 && overlay.patch.pixels);
}

void Instance::look_again() {
    int looks = 0;
    must(suites().params->paramGetValue(looks_, &looks));
    must(suites().params->paramSetValue(looks_, (looks + 1) % 1000000));
}

}  // namespace maskedit
