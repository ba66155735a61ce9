// libFuzzer: the encoders on runs that the input describes, held against the reference decoders, libzstd and zlib.
//
// `make fuzz` builds and runs it. It aborts where what is decoded is not the dense tile, or a checksum is not zlib's;
// the outputs are as large as they must be and no larger, so that the address sanitizer sees each byte beyond them.
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
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

// Up to 64 gaps and runs, which are repeated a few times; values are the input's bytes, a pattern, or hardly any.
Tile read_tile(Input input) {
    const int first = input.byte(), second = input.byte();
    Tile tile;
    tile.itemsize = 1 << (first & 3);
    tile.fill = (first & 4) != 0 ? 255 : 0;
    const int content = first >> 3 & 3, repeats = 1 << (first >> 5);
    std::vector<std::pair<std::int64_t, std::int64_t>> layout;
    for (int i = 0; i < (second & 63); ++i) {
        const std::int64_t gap = input.length();
        layout.push_back({gap, std::max<std::int64_t>(input.length() >> (second >> 6), 1)});
    }
    const Input pattern = input;
    std::uint32_t state = static_cast<std::uint32_t>(second) + 1;
    for (int i = 0; i < repeats && tile.dense.size() < 4'000; ++i) {
        for (const auto& [gap, length] : layout) {
            if (tile.dense.size() > 8'000) {
                break;
            }
            tile.size += gap;
            tile.starts.push_back(tile.size);
            tile.lengths.push_back(length);
            tile.size += length;
            tile.dense.resize(static_cast<std::size_t>(tile.starts.back() * tile.itemsize), tile.fill);
            for (std::int64_t k = 0; k < length * tile.itemsize; ++k) {
                state = state * 1664525 + 1013904223;
                if (content < 2 && input.at == input.end) {
                    input = pattern;
                }
                const auto random = static_cast<std::uint8_t>(state >> 24);
                tile.dense.push_back(content < 2    ? input.byte()
                                     : content == 2 ? random
                                                    : static_cast<std::uint8_t>(random & random >> 3 & 15));
            }
            tile.values.insert(tile.values.end(), tile.dense.end() - length * tile.itemsize, tile.dense.end());
        }
    }
    tile.size += input.length();
    tile.dense.resize(static_cast<std::size_t>(tile.size * tile.itemsize), tile.fill);
    return tile;
}

// A frame's header, with a window of 256 KiB, and an empty last block, around blocks.
void check_zstd(const Bytes& blocks, std::size_t size, const Bytes& dense) {
    Bytes frame{0x28, 0xB5, 0x2F, 0xFD, 0xC0, 0x40};
    for (int i = 0; i < 8; ++i) {
        frame.push_back(static_cast<std::uint8_t>(std::uint64_t{dense.size()} >> 8 * i));
    }
    frame.insert(frame.end(), blocks.begin(), blocks.begin() + static_cast<std::ptrdiff_t>(size));
    frame.insert(frame.end(), {1, 0, 0});
    Bytes decoded(dense.size() + 1);
    const std::size_t written = ZSTD_decompress(decoded.data(), decoded.size(), frame.data(), frame.size());
    check(ZSTD_isError(written) == 0, ZSTD_getErrorName(written));
    decoded.resize(written);
    check(decoded == dense, "zstd: another tile");
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
    Bytes out((3 + 15 * (tile.values.size() + 1) + 21 * gaps) / 8 + 16);
    const std::size_t size = heatsvc::deflate_block(runs, table, out);
    Bytes decoded(tile.dense.size() + 1);
    z_stream stream{};
    check(inflateInit2(&stream, -15) == Z_OK, "inflateInit2");
    stream.next_in = out.data();
    stream.avail_in = static_cast<uInt>(size);
    stream.next_out = decoded.data();
    stream.avail_out = static_cast<uInt>(decoded.size());
    const int result = inflate(&stream, Z_SYNC_FLUSH);
    check(result == Z_OK && stream.avail_in == 0, "deflate: not decoded");
    decoded.resize(stream.total_out);
    inflateEnd(&stream);
    check(decoded == tile.dense, "deflate: another tile");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Tile tile = read_tile({data, data + size});
    const auto runs = tile.runs();
    const auto bound = static_cast<std::size_t>(heatsvc::zstd_bound(runs));
    Bytes out(bound);
    check_zstd(out, heatsvc::zstd_blocks(runs, out), tile.dense);
    Bytes room(bound + static_cast<std::size_t>(heatsvc::zstd_small_room));
    const std::size_t small = heatsvc::zstd_small(runs, room);
    check(small <= bound, "zstd small: larger than its bound");
    check_zstd(room, small, tile.dense);
    check_deflate(tile);
    const auto length = static_cast<z_size_t>(tile.dense.size());
    check(heatsvc::adler32(runs) == adler32_z(1, tile.dense.data(), length), "Adler-32");
    check(heatsvc::crc32(runs) == crc32_z(0, tile.dense.data(), length), "CRC-32");
    return 0;
}
