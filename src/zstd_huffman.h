// The Huffman code of a zstd block's literals (RFC 8878, 4.2).
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace heatsvc {

struct HuffmanCode {
    // The best code for literals that go over so many blocks, of at most 11 bits a byte. It has no description where
    // they are better left as they are.
    HuffmanCode(std::span<const std::uint8_t> literals, std::size_t blocks);

    std::array<std::uint16_t, 256> codes{};  // a byte's code, and its length in the lowest four bits
    std::array<std::uint8_t, 256> description;
    std::size_t description_size = 0;
};

// Write literals in their codes as one stream (4.2.2); returns its end. It has at most 11 bits per literal and one byte
// more, and must be followed by 8 bytes of room.
std::uint8_t* write_literals(std::span<const std::uint8_t> literals, const HuffmanCode& code, std::uint8_t* out);

}  // namespace heatsvc
