// libFuzzer: the encoders on runs and patches that the input describes, held against the reference decoders, libzstd
// and zlib.
//
// `make fuzz` builds and runs it. It aborts where what is decoded is not the dense tile, or a checksum is not zlib's;
// the outputs are as large as they must be and no larger, so that the address sanitizer sees each byte beyond them.
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "checksums.h"
#include "deflate.h"
#include "zstd_block.h"
#include "zstd_fast.h"
#include "zstd_small.h"

namespace {

using Bytes = std::vector<std::uint8_t>;

void check(bool condition, const char* what) {
    if (!condition) {
        std::fprintf(stderr, "%s\n", what);
        std::abort();
    }
}

// Room for so many bytes and no more, none of them written yet.
class Output {
  public:
    explicit Output(std::size_t size) : bytes_(std::make_unique_for_overwrite<std::uint8_t[]>(size)), size_(size) {}

    std::uint8_t* begin() const { return bytes_.get(); }
    std::size_t size() const { return size_; }
    operator std::span<std::uint8_t>() const { return {bytes_.get(), size_}; }

    // Whether the first `written` bytes are these.
    bool begins_with(const Bytes& bytes, std::size_t written) const {
        return written == bytes.size() && std::equal(bytes.begin(), bytes.end(), begin());
    }

  private:
    std::unique_ptr<std::uint8_t[]> bytes_;
    std::size_t size_;
};

// The input as numbers; 0 after its end.
struct Input {
    const std::uint8_t* at;
    const std::uint8_t* end;

    std::uint8_t byte() { return at < end ? *at++ : 0; }

    // Small numbers, and few large ones, up to about a block of zstd.
    std::int64_t length() {
        const int kind = byte();
        const int value = kind & 63;
        switch (kind >> 6) {
            case 0:
            case 1:
                return value;
            case 2:
                return value << 5 | (byte() & 31);
            default:
                return value == 63 ? (128 << 10) + static_cast<std::int8_t>(byte()) : value << 7 >> (byte() & 7);
        }
    }
};

struct Tile {
    Bytes values, dense;
    std::vector<std::int64_t> starts, lengths;
    std::int64_t itemsize, size = 0;
    std::uint8_t fill;

    heatsvc::Runs runs() const { return {values, starts, lengths, itemsize, size, fill}; }
};

// The bytes of a tile's runs and of its gaps, at most; and how much more often than in others its runs are repeated.
struct Limits {
    std::int64_t values, gaps;
    int repeats = 1;
};

// Most tiles are small, so that many are tried. A checksum chooses those that may have several blocks: libFuzzer would
// keep an input that asks for a large tile, since it reaches more, and try little else.
Limits limits_of(const Input& input) {
    const auto checksum = crc32_z(0, input.at, static_cast<z_size_t>(input.end - input.at));
    if (checksum % 16 != 0) {
        return {512, 4 << 10};
    }
    return checksum % 512 != 0 ? Limits{4 << 10, 300 << 10} : Limits{160 << 10, 1 << 20, 64};
}

// Up to 63 gaps and runs, which are repeated. Values are the input's bytes, again and again; each half as frequent as
// the one before, for Huffman codes that would be too long; random; or hardly any.
Tile read_tile(Input input) {
    Limits left = limits_of(input);
    const int first = input.byte(), second = input.byte();
    Tile tile;
    tile.itemsize = 1 << (first & 3);
    tile.fill = (first & 4) != 0 ? 255 : 0;
    const int content = first >> 3 & 3, repeats = left.repeats << (first >> 5);
    std::vector<std::pair<std::int64_t, std::int64_t>> layout;
    for (int i = 0; i < (second & 63); ++i) {
        const std::int64_t gap = input.length();
        layout.push_back({gap, std::max<std::int64_t>(input.length() >> (second >> 6), 1)});
    }
    const auto take = [&](std::int64_t pixels, std::int64_t& bytes_left) {
        pixels = std::min(pixels, bytes_left / tile.itemsize);
        bytes_left -= pixels * tile.itemsize;
        return pixels;
    };
    const std::int64_t last_gap = take(input.length(), left.gaps);
    std::int64_t pixels = 0;  // of all runs
    for (int i = 0; i < repeats && left.values >= tile.itemsize; ++i) {
        for (const auto& [gap, length] : layout) {
            if (left.values >= tile.itemsize) {
                tile.size += take(gap, left.gaps);
                tile.starts.push_back(tile.size);
                tile.lengths.push_back(take(length, left.values));
                tile.size += tile.lengths.back();
                pixels += tile.lengths.back();
            }
        }
    }
    tile.size += last_gap;
    tile.values.resize(static_cast<std::size_t>(pixels * tile.itemsize));
    const Input pattern = input;
    std::uint32_t state = static_cast<std::uint32_t>(second) + 1;
    for (std::uint8_t& value : tile.values) {
        state = state * 1664525 + 1013904223;
        const auto random = static_cast<std::uint8_t>(state >> 24);
        if (content == 0) {
            input = input.at < input.end ? input : pattern;
            value = input.byte();
        } else if (content == 1) {
            value = static_cast<std::uint8_t>(std::countl_zero(state));
        } else {
            value = content == 2 ? random : static_cast<std::uint8_t>(random & random >> 3 & 15);
        }
    }
    tile.dense.resize(static_cast<std::size_t>(tile.size * tile.itemsize), tile.fill);
    const std::uint8_t* source = tile.values.data();
    for (std::size_t run = 0; run < tile.starts.size(); ++run) {
        const std::int64_t bytes = tile.lengths[run] * tile.itemsize;
        std::copy_n(source, bytes, tile.dense.begin() + tile.starts[run] * tile.itemsize);
        source += bytes;
    }
    return tile;
}

// A frame's header, with a window of 256 KiB, and an empty last block, around blocks. Large tiles are decoded as a
// stream: libzstd accepts blocks that are too large, and offsets beyond the window, where it has a whole frame.
void check_zstd(std::span<const std::uint8_t> blocks, const Bytes& dense) {
    static ZSTD_DCtx* const decoder = ZSTD_createDCtx();
    Bytes frame{0x28, 0xB5, 0x2F, 0xFD, 0xC0, 0x40};
    for (int i = 0; i < 8; ++i) {
        frame.push_back(static_cast<std::uint8_t>(std::uint64_t{dense.size()} >> 8 * i));
    }
    frame.insert(frame.end(), blocks.begin(), blocks.end());
    frame.insert(frame.end(), {1, 0, 0});
    const Output decoded(dense.size() + 1);
    ZSTD_DCtx_reset(decoder, ZSTD_reset_session_only);
    ZSTD_inBuffer source{frame.data(), frame.size(), 0};
    std::size_t written = 0;
    for (std::size_t left = 1; left != 0 && written < decoded.size();) {
        ZSTD_outBuffer piece{decoded.begin() + written, std::min<std::size_t>(decoded.size() - written, 100'000), 0};
        left = ZSTD_decompressStream(decoder, &piece, &source);
        check(ZSTD_isError(left) == 0, ZSTD_getErrorName(left));
        written += piece.pos;
    }
    check(source.pos == frame.size(), "zstd: bytes after the frame");
    check(decoded.begins_with(dense, written), "zstd: another tile");
}

// The fixed codes of RFC 1951, 3.2.6, as a table.
struct FixedCodes {
    std::array<std::uint32_t, 257> literals{};
    std::array<std::uint32_t, 259> matches{};

    FixedCodes() {
        const auto packed = [](std::uint32_t code, int bits) {
            std::uint32_t reversed = 0;
            for (int i = 0; i < bits; ++i) {
                reversed |= (code >> i & 1) << (bits - 1 - i);
            }
            return reversed << 5 | static_cast<std::uint32_t>(bits);
        };
        for (std::uint32_t byte = 0; byte < 256; ++byte) {
            literals[byte] = byte < 144 ? packed(0x30 + byte, 8) : packed(0x190 + byte - 144, 9);
        }
        literals[256] = packed(0, 7);
        std::uint32_t length = 3;
        for (std::uint32_t code = 257; code <= 285; ++code) {
            const int extra = code < 265 || code == 285 ? 0 : static_cast<int>((code - 261) / 4);
            const std::uint32_t symbol = code < 280 ? packed(code - 256, 7) : packed(0xC0 + code - 280, 8);
            const auto bits = static_cast<int>(symbol & 31);
            length = code == 285 ? 258 : length;
            for (std::uint32_t i = 0; i < 1U << extra && length <= 258; ++i, ++length) {
                // The extra bits, then distance code 0 in 5 bits.
                matches[length] = (symbol >> 5 | i << bits) << 5 | static_cast<std::uint32_t>(bits + extra + 5);
            }
        }
    }
};

void check_deflate(const Tile& tile) {
    static const FixedCodes codes;
    static const std::array<std::uint8_t, 1> header{2};  // not the last block, fixed codes
    const heatsvc::DeflateTable table{header, 3, codes.literals, codes.matches};
    const auto runs = tile.runs();
    const std::size_t gaps = 4 * (tile.starts.size() + 1) + tile.dense.size() / 258;
    const Output out((3 + 15 * (tile.values.size() + 1) + 21 * gaps) / 8 + 16);
    const std::size_t size = heatsvc::deflate_block(runs, table, out);
    const Output decoded(tile.dense.size() + 1);
    static z_stream stream{};
    check((stream.state == nullptr ? inflateInit2(&stream, -15) : inflateReset(&stream)) == Z_OK, "inflate: not ready");
    stream.next_in = out.begin();
    stream.avail_in = static_cast<uInt>(size);
    stream.next_out = decoded.begin();
    stream.avail_out = static_cast<uInt>(decoded.size());
    const int result = inflate(&stream, Z_SYNC_FLUSH);
    check(result == Z_OK && stream.avail_in == 0, "deflate: not decoded");
    check(decoded.begins_with(tile.dense, stream.total_out), "deflate: another tile");
}

// Up to 15 patches, at times a wrong one or too little room, which has to be reported.
void check_patches(Input input) {
    const std::int64_t most = limits_of(input).gaps / static_cast<std::int64_t>(sizeof(float));
    const int count = input.byte() & 15, missing = input.byte();
    const std::int64_t width = input.length();
    std::vector<std::int64_t> bounds;
    std::vector<float> values;
    std::int64_t end = 0, room = 0;
    for (int i = 0; i < count; ++i) {
        const std::int64_t before = input.length(), begin = end + before, sides = input.byte();
        const std::int64_t columns = std::min((sides & 15) % 9, width), rows = (sides >> 4) % 9;
        bounds.insert(bounds.end(), {begin, columns, rows});
        for (int k = 0; k < 16; ++k) {
            values.push_back(input.byte());
        }
        end = begin + (rows - 1) * width + columns;
        room +=
            heatsvc::rle_size(4 * before) + rows * (3 + 4 * columns + heatsvc::rle_size(4 * (width - columns))) + 32;
    }
    const std::int64_t size = std::max(end + input.length() - 1, width);
    if (size > most) {
        return;
    }
    const Output out(static_cast<std::size_t>(std::max<std::int64_t>(room + heatsvc::rle_size(4 * size) - missing, 0)));
    std::size_t written = 0;
    try {
        written = heatsvc::zstd_patches({bounds, values, width, size}, out);
    } catch (const std::invalid_argument&) {
        return;
    }
    std::vector<float> dense(static_cast<std::size_t>(size));
    for (std::size_t i = 0; i < bounds.size() / 3; ++i) {
        const float* const row = &values[16 * i];
        for (std::int64_t y = 0; y < bounds[3 * i + 2]; ++y) {
            for (std::int64_t x = 0; x < bounds[3 * i + 1]; ++x) {
                dense[static_cast<std::size_t>(bounds[3 * i] + y * width + x)] = row[x] * row[8 + y];
            }
        }
    }
    Bytes bytes(4 * dense.size());
    std::copy_n(reinterpret_cast<const std::uint8_t*>(dense.data()), bytes.size(), bytes.begin());
    check_zstd({out.begin(), written}, bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Tile tile = read_tile({data, data + size});
    const auto runs = tile.runs();
    const auto bound = static_cast<std::size_t>(heatsvc::zstd_bound(runs));
    const Output out(bound);
    check_zstd({out.begin(), heatsvc::zstd_blocks(runs, out)}, tile.dense);
    const Output room(bound + static_cast<std::size_t>(heatsvc::zstd_small_room));
    const std::size_t small = heatsvc::zstd_small(runs, room);
    check(small <= bound, "zstd small: larger than its bound");
    check_zstd({room.begin(), small}, tile.dense);
    check_deflate(tile);
    const auto length = static_cast<z_size_t>(tile.dense.size());
    check(heatsvc::adler32(runs) == adler32_z(1, tile.dense.data(), length), "Adler-32");
    check(heatsvc::crc32(runs) == crc32_z(0, tile.dense.data(), length), "CRC-32");
    check_patches({data, data + size});
    return 0;
}
