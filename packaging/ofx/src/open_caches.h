// SPDX-License-Identifier: GPL-3.0-or-later
// The caches that are open, shared by all instances; one that no instance holds any more is closed.
#pragma once

#include <memory>
#include <string>

#include "frame_cache.h"

namespace maskedit {

// The cache that is at `path` now, mapped once however many ask; null where there is none or it is refused.
std::shared_ptr<FrameCache> open_cache(const std::string& path);

}  // namespace maskedit
