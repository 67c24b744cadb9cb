// SPDX-License-Identifier: GPL-3.0-or-later
// One use of the effect on a clip: its handles, and the cache that it holds open.
#pragma once

#include <memory>
#include <mutex>

#include "frame_cache.h"
#include "ofx_abi.h"
#include "rendering.h"

namespace maskedit {

class Instance {
public:
    // Throws Refused where the host does not know what was described to it.
    explicit Instance(ofx::Effect effect);

    // What lies over the frame at `time`; false where the source stays as it is: no take, no frame, damage, no mix.
    // All but its placement, which only a render needs.
    bool find_overlay(ofx::Time time, Overlay& overlay);
    void look_again();

    ofx::Clip source() const { return source_; }
    ofx::Clip output() const { return output_; }

private:
    ofx::Param param(const char* name) const;

    ofx::ParamSet params_ = nullptr;
    ofx::Param take_, frame_offset_, mix_, show_matte_, looks_;
    ofx::Clip source_ = nullptr, output_ = nullptr;
    std::mutex holding_;
    std::shared_ptr<FrameCache> held_;
};

}  // namespace maskedit
