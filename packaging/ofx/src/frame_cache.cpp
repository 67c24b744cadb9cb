// SPDX-License-Identifier: GPL-3.0-or-later
#include "frame_cache.h"

#include <cstring>

#include "checksum.h"

namespace maskedit {
namespace {

constexpr char kMagic[8] = {'M', 'A', 'S', 'K', 'E', 'D', 'F', 'C'};
constexpr std::uint32_t kVersion = 1, kHalfRGBA = 1, kMaxSide = 32768, kMaxSlots = 1u << 20;
constexpr std::uint32_t kMaxTerm = 0x7FFFFFFF;
constexpr std::int64_t kMaxFrame = std::int64_t{1} << 53;
constexpr std::size_t kEntryBytes = 64, kAlignment = 4096, kPixelBytes = 8, kHeaderCrc = 4092;
constexpr std::uint64_t kSound = 1, kDamaged = 2;

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "The frame cache is little-endian and read in place."
#endif

template <class Number>
Number at(const unsigned char* bytes, std::size_t offset) {
    Number value;
    std::memcpy(&value, bytes + offset, sizeof value);
    return value;
}

// The writer stores this word last, with release order: what it wrote before is seen by who sees a 1 here.
std::uint32_t load_published(const unsigned char* entry) {
    const auto* word = reinterpret_cast<const std::uint32_t*>(entry + 40);
#ifdef _MSC_VER
    const std::uint32_t value = *static_cast<const volatile std::uint32_t*>(word);
    std::atomic_thread_fence(std::memory_order_acquire);
    return value;
#else
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
#endif
}

bool between(std::uint32_t value, std::uint32_t most) { return value >= 1 && value <= most; }

bool read_facts(const unsigned char* header, std::uint64_t file_size, CacheFacts& facts) {
    if (std::memcmp(header, kMagic, sizeof kMagic) != 0) return false;
    if (at<std::uint32_t>(header, kHeaderCrc) != crc32(header, kHeaderCrc)) return false;
    if (at<std::uint32_t>(header, 8) != kVersion || at<std::uint32_t>(header, 12) != kAlignment) return false;
    facts.width = at<std::uint32_t>(header, 16);
    facts.height = at<std::uint32_t>(header, 20);
    facts.slot_count = at<std::uint32_t>(header, 28);
    facts.first_frame = at<std::int64_t>(header, 32);
    facts.index_offset = at<std::uint64_t>(header, 64);
    facts.data_offset = at<std::uint64_t>(header, 72);
    facts.file_bytes = at<std::uint64_t>(header, 80);
    if (!between(facts.width, kMaxSide) || !between(facts.height, kMaxSide)) return false;
    if (at<std::uint32_t>(header, 24) != kHalfRGBA || !between(facts.slot_count, kMaxSlots)) return false;
    if (facts.first_frame <= -kMaxFrame || facts.first_frame >= kMaxFrame) return false;
    for (const std::size_t term : {40, 44, 48, 52})
        if (!between(at<std::uint32_t>(header, term), kMaxTerm)) return false;
    facts.pixel_aspect = double(at<std::uint32_t>(header, 48)) / at<std::uint32_t>(header, 52);
    const std::uint64_t index_end = kAlignment + facts.slot_count * std::uint64_t{kEntryBytes};
    return facts.index_offset == kAlignment &&
           facts.data_offset == (index_end + kAlignment - 1) / kAlignment * kAlignment &&
           facts.file_bytes >= facts.data_offset && file_size >= facts.file_bytes;
}

// Where a published entry says its frame lies, if that is inside the plate and inside the file.
bool read_entry(const unsigned char* entry, std::uint32_t slot, const CacheFacts& facts, Patch& patch,
                std::uint64_t& offset, std::uint64_t& bytes) {
    if (at<std::uint32_t>(entry, 36) != slot || at<std::uint32_t>(entry, 44) != crc32(entry, 40)) return false;
    offset = at<std::uint64_t>(entry, 0);
    bytes = at<std::uint64_t>(entry, 8);
    patch.x = at<std::int32_t>(entry, 16);
    patch.y = at<std::int32_t>(entry, 20);
    patch.width = at<std::int32_t>(entry, 24);
    patch.height = at<std::int32_t>(entry, 28);
    const std::int64_t x = patch.x, y = patch.y, width = patch.width, height = patch.height;
    if (width == 0 && height == 0) return x == 0 && y == 0 && offset == 0 && bytes == 0;
    if (x < 0 || y < 0 || width < 1 || height < 1 || x + width > facts.width || y + height > facts.height) return false;
    return bytes == static_cast<std::uint64_t>(width * height) * kPixelBytes && offset % kAlignment == 0 &&
           offset >= facts.data_offset && offset <= facts.file_bytes && bytes <= facts.file_bytes - offset;
}

}  // namespace

std::shared_ptr<FrameCache> FrameCache::open(const std::string& path) {
    std::shared_ptr<FrameCache> cache(new FrameCache);
    cache->file_ = MappedFile::open(path);
    if (!cache->file_ || cache->file_->size() < kHeaderBytes) return nullptr;
    // Checked on a copy: nothing that is written meanwhile can get between the check and the use.
    std::memcpy(cache->header_.data(), cache->file_->data(), kHeaderBytes);
    if (!read_facts(cache->header_.data(), cache->file_->size(), cache->facts_)) return nullptr;
    cache->checked_ = std::make_unique<std::atomic<std::uint64_t>[]>(cache->facts_.slot_count);
    return cache;
}

bool FrameCache::is_intact() const {
    return file_->size_now() >= facts_.file_bytes && std::memcmp(header_.data(), file_->data(), kHeaderBytes) == 0;
}

bool FrameCache::find(std::int64_t frame, Patch& patch) const {
    if (frame < facts_.first_frame || frame - facts_.first_frame >= facts_.slot_count) return false;
    const auto slot = static_cast<std::uint32_t>(frame - facts_.first_frame);
    const unsigned char* mapped_entry = file_->data() + facts_.index_offset + std::size_t{slot} * kEntryBytes;
    if (load_published(mapped_entry) != 1) return false;
    unsigned char entry[kEntryBytes];
    std::memcpy(entry, mapped_entry, kEntryBytes);
    std::uint64_t offset = 0, bytes = 0;
    if (!read_entry(entry, slot, facts_, patch, offset, bytes)) return false;
    const unsigned char* data = file_->data() + offset;
    if (!is_sound(slot, at<std::uint32_t>(entry, 32), data, static_cast<std::size_t>(bytes))) return false;
    patch.pixels = bytes ? reinterpret_cast<const std::uint16_t*>(data) : nullptr;
    return true;
}

bool FrameCache::is_sound(std::uint32_t slot, std::uint32_t expected_crc, const unsigned char* data,
                          std::size_t bytes) const {
    const std::uint64_t sound = (std::uint64_t{expected_crc} << 2) | kSound;
    const std::uint64_t damaged = (std::uint64_t{expected_crc} << 2) | kDamaged;
    std::atomic<std::uint64_t>& checked = checked_[slot];
    std::uint64_t found = checked.load(std::memory_order_acquire);
    if (found != sound && found != damaged) {
        std::lock_guard<std::mutex> lock(checking_[slot % checking_.size()]);
        found = checked.load(std::memory_order_acquire);
        if (found != sound && found != damaged) {
            found = crc32(data, bytes) == expected_crc ? sound : damaged;
            checked.store(found, std::memory_order_release);
        }
    }
    return found == sound;
}

}  // namespace maskedit
