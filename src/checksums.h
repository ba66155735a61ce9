// Checksums of runs, computed without reading the gaps. The runs are checked.
#pragma once

#include <cstdint>

#include "runs.h"

namespace heatsvc {

// Adler-32 (RFC 1950, 8.2).
std::uint32_t adler32(const Runs& runs);

// CRC-32 (RFC 1952, 8).
std::uint32_t crc32(const Runs& runs);

// CRC-32 of A, shifted: XOR with the CRC-32 of the `size` bytes B to get that of A + B.
std::uint32_t crc32_after_zeros(std::uint32_t check, std::int64_t size);

}  // namespace heatsvc
