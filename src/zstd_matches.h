// Finds what a zstd frame says of runs: literals, and sequences that repeat what stood before (RFC 8878, 3.1.1.3.2).
//
// Every gap of fill is such a repetition: of a gap that stood before, which is free where it lies as far back as the
// last one did. The gap that repeats best has the same bytes at its edges too, as the frame before has them where
// nothing moved: then the sequence takes those along. Only gaps are looked up, never the bytes of a run, since it is
// gaps that need a sequence. Positions and sizes are bytes of the tile.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "runs.h"
#include "zstd_sequences.h"

namespace heatsvc {

// A block: the bytes of fill before it that are not in it, its size when dense, and how many literals and sequences are
// its own.
struct FoundBlock {
    std::int64_t gap, size, literals, sequences;
};

// A part of the blocks of a tile, for which tables are made. Of the last one there may be nothing but its gap.
struct Round {
    std::span<const FoundBlock> blocks;
    std::span<const std::uint8_t> literals;
    std::span<const Sequence> sequences;
};

class MatchFinder {
  public:
    // The runs are checked. Nothing is taken to be known of what stands before them.
    explicit MatchFinder(const Runs& runs);

    // The next round, valid until the next call; without blocks at the tile's end.
    Round find();

  private:
    // A run in the tile, and where its values are.
    struct Run {
        std::int64_t begin, end, source;
    };

    // A distance of an earlier sequence, and the first run after what it reaches.
    struct Repeat {
        std::int64_t distance = 0, run = 0;
    };

    // What a gap may be a repetition of.
    struct Match {
        std::int64_t gain_bits;  // about
        Repeat from{};
        std::int64_t back = 0;    // bytes before the gap that are the same too
        std::int64_t length = 0;  // bytes from the gap's start on that are
        std::int64_t end;         // the run in or before which they end
    };

    void find_block();
    void add_run(std::int64_t size);
    void add_fill(std::int64_t size);
    void add_gap(std::int64_t gap);

    // Take the tile from `start`, which is in or before the run, to `stop` as literals.
    void add_dense(std::int64_t run, std::int64_t start, std::int64_t stop);

    // Add a sequence of the literals since the last one, and of a match from here on.
    void add_sequence(Repeat from, std::int64_t length);

    // The repetition that wins most; none where it wins `no_gain`.
    Match best_match(std::int64_t gap);

    // How many bytes from a run on are the same as from another run on, at most `most` bytes: runs and gaps.
    // `run` becomes the one in or before which that ends: within a gap only where at least `near` bytes of it are the
    // same and enough are left for a sequence of their own.
    std::int64_t same_from(std::int64_t& run, std::int64_t other, std::int64_t most) const;

    std::span<const std::uint8_t> values_;
    std::uint8_t fill_;
    std::int64_t near_;  // from so far back fill is repeated where it has just been written
    // The runs, with an empty one at the tile's start before them, and one at its end after them.
    std::vector<Run> runs_;
    std::int64_t last_;  // the number of the latter

    std::int64_t position_ = 0, run_ = 0;  // the run in or before which the position is
    std::array<Repeat, 3> repeats_;
    std::int64_t store_ = 0, store_end_ = 0, store_run_ = 0;  // a long gap, and the run after it
    std::vector<std::uint32_t> far_, close_;                  // the run after the last gap of each hash; 0 for none
    int misses_left_ = 0;
    std::int64_t limit_ = 0;             // where the block ends, at most
    std::int64_t pending_literals_ = 0;  // literals since the last sequence

    std::unique_ptr<std::uint8_t[]> literals_;
    std::unique_ptr<Sequence[]> sequences_;
    std::unique_ptr<FoundBlock[]> blocks_;
    std::int64_t literal_count_ = 0, sequence_count_ = 0, block_count_ = 0;
};

}  // namespace heatsvc
