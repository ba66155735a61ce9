// Blocks of a zstd frame (RFC 8878, 3.1.1.2), none of them the last.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "bytes.h"
#include "runs.h"

namespace heatsvc {

// Maximum number of decoded bytes of a block.
inline constexpr std::int64_t block_size = 128 << 10;

enum class Block : std::uint32_t { raw, rle, compressed };

inline constexpr std::int64_t block_header_size = 3;

// A header as a word of four bytes, of which the last is 0.
inline std::uint32_t block_header(Block type, std::int64_t size) {
    return static_cast<std::uint32_t>(size) << 3 | static_cast<std::uint32_t>(type) << 1;
}

// Write a header in front of bytes that are already written.
inline void write_block_header(Block type, std::int64_t size, std::uint8_t* out) {
    const std::uint32_t header = block_header(type, size);
    std::memcpy(out, &header, block_header_size);
}

// `size` bytes of `fill`, at most a block, as an RLE block; returns its end.
inline std::uint8_t* write_rle_block(std::int64_t size, std::uint8_t fill, std::uint8_t* out) {
    store(out, block_header(Block::rle, size) | std::uint32_t{fill} << 24);
    return out + 4;
}

// Maximum number of bytes of `size` bytes of one value as RLE blocks.
inline std::int64_t rle_size(std::int64_t size) { return 4 * (size / block_size + 1); }

// `size` bytes of `fill` as RLE blocks, none where it is 0; 4 bytes may be written in any case.
inline std::uint8_t* write_rle_blocks(std::int64_t size, std::uint8_t fill, std::uint8_t* out) {
    for (; size > block_size; size -= block_size) [[unlikely]] {
        out = write_rle_block(block_size, fill, out);
    }
    return write_rle_block(size, fill, out) - (size > 0 ? 0 : 4);
}

// `size` bytes as raw blocks; any byte before `end` may be read, and up to 31 bytes more are written.
inline std::uint8_t* write_raw_blocks(const std::uint8_t* source, const std::uint8_t* end, std::int64_t size,
                                      std::uint8_t* out) {
    if (size <= copied_at_once && end - source >= copied_at_once) {
        // Most runs are short.
        store(out, block_header(Block::raw, size));
        std::memcpy(out + block_header_size, source, copied_at_once);
        return out + block_header_size + size;
    }
    for (std::int64_t part; size > 0; size -= part) {
        part = std::min(size, block_size);
        store(out, block_header(Block::raw, part));
        copy(source, end, part, out + block_header_size);
        source += part;
        out += block_header_size + part;
    }
    return out;
}

// The encoded bytes of runs, at most, and what is written after them; the runs are checked.
//
// A gap and a run have headers of 7 bytes in the fast way; as part of a compressed block at most 7 bytes as a sequence
// or as literals. A compressed block has a dozen more, and at least four runs. What blocks of 128 KiB add is less than
// 8 bytes for each. The rest, more than 100 bytes, is room for stores of 8 and 32 bytes.
inline std::int64_t zstd_bound(const Runs& runs) {
    return std::ssize(runs.values) + 16 * std::ssize(runs.starts) + 32 * (runs.size * runs.itemsize / block_size + 4);
}

}  // namespace heatsvc
