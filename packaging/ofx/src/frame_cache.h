// SPDX-License-Identifier: GPL-3.0-or-later
// A frame cache, mapped and checked: docs/frame-cache.md is the format. Nothing in the file is believed before it is
// checked, and whatever does not check out is no frame. Any number of threads may ask at once.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "mapped_file.h"

namespace maskedit {

// What is common to all frames of a cache. `width`, `height`: the plate's, in pixels.
struct CacheFacts {
    std::uint32_t width = 0, height = 0, slot_count = 0;
    std::int64_t first_frame = 0;
    double pixel_aspect = 1;
    std::uint64_t index_offset = 0, data_offset = 0, file_bytes = 0;
};

// One frame's region: `width` x `height` pixels RGBA half, straight alpha, top row first, whose top left pixel is the
// plate's (x, y). Outside it the frame is transparent; no pixels at all: so is the whole frame.
struct Patch {
    const std::uint16_t* pixels = nullptr;
    int x = 0, y = 0, width = 0, height = 0;
};

class FrameCache {
public:
    // Null for what is not a whole frame cache of version 1.
    static std::shared_ptr<FrameCache> open(const std::string& path);

    const CacheFacts& facts() const { return facts_; }
    const FileId& id() const { return file_->id(); }
    // False once the file has been cut short, or written over in place with another cache.
    bool is_intact() const;
    // The frame of that number; false where it is not there yet, was never meant to be, or is damaged. The pixels live
    // as long as this cache. The first call for a frame reads all of it, for its checksum.
    bool find(std::int64_t frame, Patch& patch) const;

private:
    FrameCache() = default;
    bool is_sound(std::uint32_t slot, std::uint32_t expected_crc, const unsigned char* data, std::size_t bytes) const;

    static constexpr std::size_t kHeaderBytes = 4096;
    std::unique_ptr<MappedFile> file_;
    CacheFacts facts_;
    std::array<unsigned char, kHeaderBytes> header_{};
    // Per slot, 0 or what became of its data: the checksum that was expected, and kSound or kDamaged.
    std::unique_ptr<std::atomic<std::uint64_t>[]> checked_;
    // Tiles of one frame come at once: one thread reads it through, the others wait for that.
    mutable std::array<std::mutex, 16> checking_;
};

}  // namespace maskedit
