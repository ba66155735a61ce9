#include "zstd_fast.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "bytes.h"
#include "zstd_block.h"
#include "zstd_sequences.h"

#if defined(__SSE2__) || defined(_M_X64)
#include <xmmintrin.h>
#endif

namespace heatsvc {
namespace {

// Runs that are less than this apart may share a compressed block; across more an RLE block is decoded far faster.
constexpr std::int64_t long_gap = 2048;
constexpr std::int64_t min_gap = 8;  // bytes of fill that are worth a sequence
constexpr std::int64_t max_sequences = 4096;

// Bytes that a gap between two runs costs: the headers of an RLE and a raw block; or a literal and a sequence, about.
constexpr std::int64_t gap_bytes_as_blocks = 7, gap_bytes_as_sequence = 4;
constexpr std::int64_t compressed_block_bytes = 8;  // approximate overhead
// A compressed block must save at least 1/11 of its runs' bytes, since it is decoded slower.
constexpr std::int64_t min_saving_divisor = 11;

constexpr std::int64_t side = 8;  // of a patch, at most

// Start and end of a run, in bytes.
struct ByteRange {
    std::int64_t begin, end;
};

// By value: a byte store may alias what a reference points to, and the compiler would reload it.
ByteRange byte_range(Runs runs, std::int64_t run) {
    const std::int64_t begin = runs.starts[run] * runs.itemsize;
    return {begin, begin + runs.lengths[run] * runs.itemsize};
}

// The runs first to last, both in it, as one block: their bytes are its literals, the gaps its sequences. A sequence is
// a run with one byte of the fill after it, then a match that repeats that byte.
//
// Returns the block's end; nullptr for no block, where no gap was worth a sequence.
std::uint8_t* write_compressed_block(Runs runs, std::int64_t first, std::int64_t last, const std::uint8_t* source,
                                     std::span<Sequence> sequences, std::uint8_t* out) {
    const std::uint8_t* const end = runs.values.data() + runs.values.size();
    std::uint8_t* const literals = out + 2 * block_header_size;  // after the headers of the block and of its literals
    std::uint8_t* at = literals;
    const std::uint8_t* since = literals;  // the first literal after the last sequence
    std::size_t count = 0;
    for (std::int64_t run = first; run <= last; ++run) {
        const auto [begin, stop] = byte_range(runs, run);
        copy(source, end, stop - begin, at);
        source += stop - begin;
        at += stop - begin;
        const std::int64_t gap = run < last ? byte_range(runs, run + 1).begin - stop : 0;
        if (gap >= min_gap) {
            *at++ = runs.fill;
            sequences[count++] = {static_cast<std::int32_t>(at - since), 1, static_cast<std::int32_t>(gap - 1)};
            since = at;
        } else {
            at = std::fill_n(at, gap, runs.fill);
        }
    }
    if (count == 0) {
        return nullptr;
    }
    // Raw literals, their number in 20 bits (RFC 8878, 3.1.1.3.1.1).
    const auto header = static_cast<std::uint32_t>(at - literals) << 4 | 3 << 2;
    std::memcpy(out + block_header_size, &header, 3);
    at = write_sequence_count(count, at);
    // Modes: lengths by the predefined tables, all offsets by one symbol; the symbol, code 0: repeated offset 1.
    *at++ = 0x10;
    *at++ = 0;
    at = write_repeats(sequences.first(count), at);
    write_block_header(Block::compressed, at - out - block_header_size, out);
    return at;
}

// Runs first to last as raw blocks, the gaps between them as RLE blocks.
std::uint8_t* write_apart(Runs runs, std::int64_t first, std::int64_t last, const std::uint8_t* source,
                          std::uint8_t* out) {
    const std::uint8_t* const end = runs.values.data() + runs.values.size();
    for (std::int64_t run = first; run <= last; ++run) {
        const auto [begin, stop] = byte_range(runs, run);
        out = write_raw_blocks(source, end, stop - begin, out);
        source += stop - begin;
        out = write_rle_blocks(run < last ? byte_range(runs, run + 1).begin - stop : 0, runs.fill, out);
    }
    return out;
}

// The bytes of eight numbers times a factor.
void store_products(const float* row, float factor, std::uint8_t* out) {
#if defined(__SSE2__) || defined(_M_X64)
    // GCC would turn the loop into a loop over rows, which takes 1.5 times as long.
    for (int x = 0; x < side; x += 4) {
        _mm_storeu_ps(reinterpret_cast<float*>(out + 4 * x), _mm_mul_ps(_mm_loadu_ps(row + x), _mm_set1_ps(factor)));
    }
#else
    std::array<float, side> products;
    for (std::size_t x = 0; x < side; ++x) {
        products[x] = row[x] * factor;
    }
    store(out, products);
#endif
}

}  // namespace

std::size_t zstd_blocks(const Runs& runs, std::span<std::uint8_t> out) {
    runs.check();
    if (std::ssize(out) < zstd_bound(runs)) {
        throw std::invalid_argument("there is no room for the blocks");
    }
    std::array<Sequence, max_sequences> sequences;
    const std::int64_t count = std::ssize(runs.starts);
    const std::uint8_t* source = runs.values.data();
    std::uint8_t* at = out.data();
    std::int64_t done = 0;  // bytes of the tile that are written
    for (std::int64_t first = 0, last; first < count; first = last + 1) {
        const std::int64_t begin = byte_range(runs, first).begin;
        at = write_rle_blocks(begin - done, runs.fill, at);
        // Runs first to last are close together, and have `content` bytes.
        last = first;
        done = byte_range(runs, first).end;
        std::int64_t content = done - begin;
        while (last + 1 < count && last - first < max_sequences) {
            const ByteRange following = byte_range(runs, last + 1);
            if (following.begin - done >= long_gap || following.end - begin > block_size) {
                break;
            }
            ++last;
            content += following.end - following.begin;
            done = following.end;
        }
        const std::int64_t saved =
            (gap_bytes_as_blocks - gap_bytes_as_sequence) * (last - first) - compressed_block_bytes;
        std::uint8_t* end = nullptr;
        if (saved * min_saving_divisor > content) {
            end = write_compressed_block(runs, first, last, source, sequences, at);
        }
        // A compressed block must be smaller than its content (3.1.1.2.3).
        at = end != nullptr && end - at - block_header_size < done - begin ? end
                                                                           : write_apart(runs, first, last, source, at);
        source += content;
    }
    return static_cast<std::size_t>(write_rle_blocks(runs.size * runs.itemsize - done, runs.fill, at) - out.data());
}

std::size_t zstd_patches(const SeparablePatches& patches, std::span<std::uint8_t> out) {
    const std::int64_t count = std::ssize(patches.bounds) / 3, width = patches.width;
    if (std::ssize(patches.bounds) != 3 * count || std::ssize(patches.values) != 2 * side * count || width < 0 ||
        patches.size > INT64_MAX / 8 || patches.size < width) {
        throw std::invalid_argument("bounds, values, width or size do not fit together");
    }
    std::uint8_t* at = out.data();
    const float* row = patches.values.data();
    const auto require_room = [&, end = at + out.size()](std::int64_t bytes) {
        if (end - at < bytes) {
            throw std::invalid_argument("there is no room for the blocks");
        }
    };
    std::int64_t done = 0;  // pixels of the tile that are written
    for (std::int64_t patch = 0; patch < count; ++patch, row += 2 * side) {
        const std::int64_t begin = patches.bounds[3 * patch], columns = patches.bounds[3 * patch + 1],
                           rows = patches.bounds[3 * patch + 2];
        if (columns < 1 || columns > side || columns > width || rows < 1 || rows > side || begin < done ||
            begin > patches.size - columns - (rows - 1) * width) {
            throw std::invalid_argument("the patches overlap, or leave their tile");
        }
        const std::int64_t before = 4 * (begin - done), size = 4 * columns, gap = 4 * width - size;
        require_room(rle_size(before) + rows * (block_header_size + size + rle_size(gap)) + 4 * side);
        at = write_rle_blocks(before, 0, at);
        const std::uint32_t raw = block_header(Block::raw, size), rle = block_header(Block::rle, gap);
        std::uint8_t* row_end = at;
        for (std::int64_t y = 0; y < rows; ++y) {
            // Header and products of a row, and the gap after it, which overwrites excess products.
            store(at, raw);
            store_products(row, row[side + y], at + block_header_size);
            row_end = at + block_header_size + size;
            store(row_end, rle);
            at = row_end + 4;
            if (gap > block_size) [[unlikely]] {
                at = write_rle_blocks(gap, 0, row_end);
            }
        }
        at = row_end;  // after the last row is the gap before the next patch
        done = begin + (rows - 1) * width + columns;
    }
    require_room(rle_size(4 * (patches.size - done)));
    return static_cast<std::size_t>(write_rle_blocks(4 * (patches.size - done), 0, at) - out.data());
}

}  // namespace heatsvc
