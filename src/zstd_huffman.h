// The Huffman code of a zstd block's literals (RFC 8878, 4.2).
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "zstd_fse.h"

namespace heatsvc {

inline constexpr int longest_code = 11;  // bits (4.2.1)

using ByteCounts = std::array<std::int64_t, 256>;

// The lengths of the code for bytes that are counted, at least two of them; 0 for those that do not occur.
std::array<std::uint8_t, 256> code_lengths(const ByteCounts& counts);

struct HuffmanCode {
    // The code for some literals that go over so many blocks. It has no description where they are better left as they
    // are.
    HuffmanCode(std::span<const std::uint8_t> literals, std::int64_t blocks);

    std::array<std::uint16_t, 256> codes{};  // a byte's code, and its length in the lowest four bits
    Description description;
};

// Write literals in their codes as one stream (4.2.2); returns its end. It has at most 11 bits for each literal, and a
// byte more; 8 bytes that are room have to follow.
std::uint8_t* write_literals(std::span<const std::uint8_t> literals, const HuffmanCode& code, std::uint8_t* out);

}  // namespace heatsvc
