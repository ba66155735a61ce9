// Finite State Entropy (RFC 8878, 4.1): codes a symbol as a step from one state to the next. Of a table's 2**log states
// each symbol has as many as it is frequent.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace heatsvc {

inline constexpr int fse_symbols = 64;  // larger than all alphabets used here
inline constexpr int fse_largest_log = 9;

// How often each symbol occurs.
using Counts = std::array<std::int64_t, fse_symbols>;

// How many of 2**log states each symbol has; -1: one, although it should be less.
struct Shares {
    int log;
    std::array<std::int16_t, fse_symbols> of;
};

// Shares in proportion to the counts, and at least one for each symbol that occurs; there must be states for all.
Shares normalize(const Counts& counts, int log);

// Write a table's description (4.1.1): at most 100 bytes, and 8 that are room; returns its end.
std::uint8_t* describe(const Shares& shares, std::uint8_t* out);

// A table to encode with. A state x is counted from 2**log on. To encode a symbol is to write the lowest bits(x) bits
// of x, so many that what is left is one of as many numbers as the symbol has states; these are its states' numbers.
struct FseTable {
    explicit FseTable(const Shares& shares);

    // The table of one symbol only: there is one state, 0, and no bits are written.
    FseTable() = default;

    int bits(int symbol, std::uint32_t x) const { return static_cast<int>((x + delta[symbol]) >> 16); }
    std::uint32_t next(int symbol, std::uint32_t x, int bits) const { return states[(x >> bits) + first[symbol]]; }

    // The first of a symbol's states, from which it is decoded with most bits.
    std::uint32_t start(int symbol) const {
        const std::uint32_t bits = (delta[symbol] + (1 << 15)) >> 16;
        return next(symbol, (bits << 16) - delta[symbol], static_cast<int>(bits));
    }

    int log = 0;
    std::array<std::uint32_t, fse_symbols> delta{};  // what the number of bits follows from: see `bits`
    std::array<std::uint32_t, fse_symbols> first{};  // where its states are, less its share, modulo 2**32
    std::array<std::uint16_t, 1 << fse_largest_log> states{};
};

}  // namespace heatsvc
