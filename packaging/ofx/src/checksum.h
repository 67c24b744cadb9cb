// SPDX-License-Identifier: GPL-3.0-or-later
// CRC-32 as zlib computes it (polynomial 0xEDB88320, reflected, inverted at both ends).
#pragma once

#include <cstddef>
#include <cstdint>

namespace maskedit {

std::uint32_t crc32(const void* data, std::size_t bytes);

}  // namespace maskedit
