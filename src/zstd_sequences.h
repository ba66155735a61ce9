// The sequences section of a zstd block (RFC 8878, 3.1.1.3.2).
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "zstd_fse.h"

namespace heatsvc {

// A number of literals, then a number of bytes copied from a distance back.
struct Sequence {
    std::int32_t literal_length;
    std::int32_t offset_value;  // Offset_Value (3.1.1.5): 1 to 3 for the last distances, else the distance + 3.
    std::int32_t match_length;  // at least 3
};

// Codes of a sequence's numbers.
int literal_length_code(std::int32_t length);
int match_length_code(std::int32_t length);
inline int offset_code(std::int32_t value) { return std::bit_width(static_cast<std::uint32_t>(value)) - 1; }

// Of literal lengths, offsets and match lengths, in the order in which a block describes them.
using SequenceTables = std::array<const FseTable*, 3>;

// The tables that need no description (3.1.1.3.2.2).
const SequenceTables& predefined_tables();

// How many sequences there are (3.1.1.3.2.1), at most 3 bytes; returns their end.
std::uint8_t* write_sequence_count(std::size_t count, std::uint8_t* out);

// Write the bits of at least one sequence; returns their end. A sequence has at most 76 bits; there must be 4 bytes
// more, and 8 bytes of room.
std::uint8_t* write_sequences(std::span<const Sequence> sequences, const SequenceTables& tables, std::uint8_t* out);

// The same for sequences whose offset is the first repeated one, with the predefined tables and no table of offsets.
std::uint8_t* write_repeats(std::span<const Sequence> sequences, std::uint8_t* out);

}  // namespace heatsvc
