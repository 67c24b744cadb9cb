// SPDX-License-Identifier: GPL-3.0-or-later
#include "checksum.h"

#include <array>
#include <cstring>

namespace maskedit {
namespace {

constexpr std::size_t kSlices = 16;
using Tables = std::array<std::array<std::uint32_t, 256>, kSlices>;

// Table k advances a byte over k zero bytes more, so that sixteen bytes cost sixteen look-ups that wait for nothing.
constexpr Tables make_tables() {
    Tables tables{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t value = byte;
        for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ (value & 1 ? 0xEDB88320u : 0u);
        tables[0][byte] = value;
    }
    for (std::size_t slice = 1; slice < kSlices; ++slice)
        for (std::size_t byte = 0; byte < 256; ++byte) {
            const std::uint32_t before = tables[slice - 1][byte];
            tables[slice][byte] = (before >> 8) ^ tables[0][before & 255];
        }
    return tables;
}

constexpr Tables kTables = make_tables();

}  // namespace

std::uint32_t crc32(const void* data, std::size_t bytes) {
    const auto* at = static_cast<const unsigned char*>(data);
    std::uint32_t crc = ~0u;
    for (; bytes >= kSlices; bytes -= kSlices, at += kSlices) {
        std::uint32_t words[4];
        std::memcpy(words, at, sizeof words);
        words[0] ^= crc;
        crc = 0;
        for (std::size_t word = 0; word < 4; ++word)
            for (std::size_t byte = 0; byte < 4; ++byte)
                crc ^= kTables[kSlices - 1 - 4 * word - byte][(words[word] >> (8 * byte)) & 255];
    }
    for (; bytes; --bytes, ++at) crc = (crc >> 8) ^ kTables[0][(crc ^ *at) & 255];
    return ~crc;
}

}  // namespace maskedit
