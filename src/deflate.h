// Deflate (RFC 1951): writes runs as one block with a predefined Huffman table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "runs.h"

namespace heatsvc {

// Codes in the order of the stream, lowest bit first, each with its number of bits in the lowest five. See
// HuffmanTable of heatsvc/encode/codings/deflate.py.
struct DeflateTable {
    std::span<const std::uint8_t> header;
    std::int64_t header_bits;
    std::span<const std::uint32_t> literals;
    std::span<const std::uint32_t> matches;

    // Throws std::invalid_argument unless there are as many codes as it takes, none longer than one may be.
    void check() const;
};

// Write runs as one block, and an empty stored block, which aligns its end to bytes; neither is the last. Returns the
// number of bytes. The arguments and the room are checked.
std::size_t deflate_block(const Runs& runs, const DeflateTable& table, std::span<std::uint8_t> out);

}  // namespace heatsvc
