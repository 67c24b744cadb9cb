// SPDX-License-Identifier: GPL-3.0-or-later
// What the effect is, told to a host: contexts, pixels, clips, parameters.
#pragma once

#include "ofx_abi.h"

namespace maskedit {

namespace name {
inline constexpr char kTake[] = "take", kFrameOffset[] = "frameOffset", kMix[] = "mix", kShowMatte[] = "showMatte";
inline constexpr char kLookAgain[] = "lookAgain", kLooks[] = "looks";
}  // namespace name

void describe(ofx::Effect descriptor);
void describe_in_context(ofx::Effect descriptor);

}  // namespace maskedit
