// SPDX-License-Identifier: GPL-3.0-or-later
#include "open_caches.h"

#include <algorithm>
#include <mutex>
#include <shared_mutex>
#include <vector>

namespace maskedit {
namespace {

// Found by the file's identity alone: the time of its last change moves with every frame that is published into it,
// and as long as a mapping is open no other file can have its number.
struct OpenCaches {
    std::shared_mutex guard;
    std::vector<std::pair<FileId, std::weak_ptr<FrameCache>>> caches;

    std::shared_ptr<FrameCache> find(const FileId& id) const {
        for (const auto& [known, cache] : caches)
            if (known == id)
                if (auto held = cache.lock()) return held;
        return nullptr;
    }
};

OpenCaches& open_caches() {
    static OpenCaches all;
    return all;
}

}  // namespace

std::shared_ptr<FrameCache> open_cache(const std::string& path) {
    FileId id;
    if (path.empty() || !MappedFile::identify(path, id)) return nullptr;
    OpenCaches& all = open_caches();
    {
        std::shared_lock<std::shared_mutex> lock(all.guard);
        auto cache = all.find(id);
        if (cache && cache->is_intact()) return cache;
    }
    auto cache = FrameCache::open(path);
    if (!cache) return nullptr;
    std::unique_lock<std::shared_mutex> lock(all.guard);
    // Another thread may have been quicker. One that is not intact any more gives up its place to the new one.
    if (auto other = all.find(cache->id()); other && other->is_intact()) return other;
    auto is_over = [&](const auto& entry) { return entry.second.expired() || entry.first == cache->id(); };
    all.caches.erase(std::remove_if(all.caches.begin(), all.caches.end(), is_over), all.caches.end());
    all.caches.emplace_back(cache->id(), cache);
    return cache;
}

}  // namespace maskedit
