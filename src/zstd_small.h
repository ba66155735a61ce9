// The small way to write zstd: each gap is a match, and the codes are made for the tile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "runs.h"

namespace heatsvc {

struct EncodedBytes {
    std::unique_ptr<std::uint8_t[]> bytes;
    std::size_t size;
};

// Runs as blocks, none of them the last. Nothing is assumed about the blocks before them. The runs are checked.
EncodedBytes zstd_small(const Runs& runs);

}  // namespace heatsvc
