// The fast way to write zstd: gaps as RLE blocks and runs as raw blocks, which decoders fill and copy at memory speed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "runs.h"

namespace heatsvc {

// Write runs as blocks; returns the number of bytes. Runs that are close together, such as the rows of one primitive,
// become one compressed block if that is clearly smaller. The runs are checked; `out` has at least zstd_bound bytes.
std::size_t zstd_blocks(const Runs& runs, std::span<std::uint8_t> out);

// Float32 patches of at most 8 x 8 pixels, each the product of a column and a row, in a tile of `size` pixels that
// are 0 elsewhere. See SeparablePatches.
struct SeparablePatches {
    std::span<const std::int64_t> bounds;  // [S, 3]: first pixel, columns, rows
    std::span<const float> values;         // [S, 16]: row, column
    std::int64_t width;                    // pixels from a row to the next one
    std::int64_t size;
};

// Write patches as blocks; returns the bytes written, after which there has to be room for 32 more. The patches are
// checked, and that there is room.
std::size_t zstd_patches(const SeparablePatches& patches, std::span<std::uint8_t> out);

}  // namespace heatsvc
