// The small way to write zstd: each gap is a match, and codes are made for each tile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "runs.h"

namespace heatsvc {

// Write runs as blocks, none of which is the last; returns the number of bytes. Nothing is assumed about the blocks
// before them. The runs are checked; `out` has at least zstd_bound bytes and 64 KiB of room.
std::size_t zstd_small(const Runs& runs, std::span<std::uint8_t> out);

}  // namespace heatsvc
