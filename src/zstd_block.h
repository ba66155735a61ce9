// Blocks of a zstd frame (RFC 8878, 3.1.1.2), none of them the last.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "bytes.h"
#include "runs.h"

namespace heatsvc {

// The most bytes that a block stands for.
inline constexpr std::int64_t block_size = 128 << 10;

enum class Block : std::uint32_t { raw, rle, compressed };

inline constexpr std::int64_t block_header_size = 3;

// A header as a word of four bytes, of which the last is 0.
inline std::uint32_t block_header(Block type, std::int64_t size) {
    return static_cast<std::uint32_t>(size) << 3 | static_cast<std::uint32_t>(type) << 1;
}

// `size` bytes of `fill`, at most a block, as an RLE block; returns its end.
inline std::uint8_t* write_rle_block(std::int64_t size, std::uint8_t fill, std::uint8_t* out) {
    store(out, block_header(Block::rle, size) | std::uint32_t{fill} << 24);
    return out + 4;
}

inline std::uint8_t* write_rle_blocks(std::int64_t size, std::uint8_t fill, std::uint8_t* out) {
    for (; size > 0; size -= block_size) {
        out = write_rle_block(std::min(size, block_size), fill, out);
    }
    return out;
}

// The encoded bytes of runs, at most, and what is written behind them; the runs are checked.
//
// A gap and a run have headers of 7 bytes in the quick way; as part of a compressed block at most 7 bytes as a sequence
// or as literals. A compressed block has a dozen more, and at least four runs. What blocks of 128 KiB add is less than
// 8 bytes for each. The rest, more than 100 bytes, is room for stores of 8 and 32 bytes.
inline std::int64_t zstd_bound(const Runs& runs) {
    return std::ssize(runs.values) + 16 * std::ssize(runs.starts) + 32 * (runs.size * runs.itemsize / block_size + 4);
}

}  // namespace heatsvc
