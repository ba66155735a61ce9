// Finds the literals and sequences of a zstd frame (RFC 8878, 3.1.1.3.2).
//
// A sequence repeats bytes of up to a window before. Every gap of 8 bytes or more needs one: it is repeated from a gap
// that came before, which is cheapest at one of the last three distances, and best where the bytes at both ends of the
// gap are the same too, as in a frame in which nothing moved. Only gaps are looked up, never the bytes of a run.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "runs.h"
#include "zstd_sequences.h"

namespace heatsvc {

// A run, in bytes: where it begins and ends in the tile, and where its values are.
struct ByteRun {
    std::int64_t begin, end, source;
};

// Runs first to last share a block. If it has neither literals nor sequences, compressing it does not pay.
struct FoundBlock {
    std::int64_t first, last;
    std::size_t literals, sequences;
};

// What was found in a tile; the runs are numbered from 1, and none is longer than a block.
struct Matches {
    // The runs are checked. Nothing is assumed about the frame before them.
    explicit Matches(const Runs& runs);

    std::vector<ByteRun> runs;  // between an empty one at the tile's start, and one at its end
    std::vector<FoundBlock> blocks;
    std::unique_ptr<std::uint8_t[]> literals;
    std::unique_ptr<Sequence[]> sequences;
    std::size_t literal_count = 0, sequence_count = 0;
};

}  // namespace heatsvc
