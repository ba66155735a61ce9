// The small encoder: longer gaps are matches, and codes are made for each tile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "runs.h"

namespace heatsvc {

// Room beyond zstd_bound: codes can be longer than the literals that they replace.
inline constexpr std::int64_t zstd_small_room = 64 << 10;

// Write runs as blocks, none of which is the last; returns the number of bytes. Nothing is assumed about the blocks
// before them. The runs are checked; `out` has at least zstd_bound + zstd_small_room bytes.
std::size_t zstd_small(const Runs& runs, std::span<std::uint8_t> out);

}  // namespace heatsvc
