// Finite State Entropy (RFC 8878, 4.1): codes a symbol as a step from one state to the next. Each symbol has some of a
// table's 2**accuracy_log states, in proportion to its frequency.
#pragma once

#include <array>
#include <cstdint>

namespace heatsvc {

inline constexpr int fse_symbols = 64;  // larger than all alphabets used here
inline constexpr int fse_max_log = 9;

// How often each symbol occurs.
using Counts = std::array<std::int64_t, fse_symbols>;

// How many of 2**accuracy_log states each symbol has; -1: one, although it should be less.
struct Distribution {
    int accuracy_log;
    std::array<std::int16_t, fse_symbols> probabilities;
};

// Probabilities in proportion to the counts, at least 1 for each symbol that occurs; there must be states for all.
Distribution normalize(const Counts& counts, int accuracy_log);

// Write a table's description (4.1.1): at most 100 bytes, and 8 that are room; returns its end.
std::uint8_t* write_table_description(const Distribution& distribution, std::uint8_t* out);

// An encoding table; states are numbered from 2**accuracy_log. Encoding a symbol writes the lowest `bits` bits of the
// state x; x >> bits selects the next state among the symbol's.
struct FseTable {
    explicit FseTable(const Distribution& distribution);

    // The table of one symbol only: there is one state, 0, and no bits are written.
    FseTable() = default;

    int bits(int symbol, std::uint32_t x) const { return static_cast<int>((x + delta[symbol]) >> 16); }
    std::uint32_t next(int symbol, std::uint32_t x, int bits) const { return states[(x >> bits) + first[symbol]]; }

    // The first of a symbol's states, from which it is decoded with most bits.
    std::uint32_t start(int symbol) const {
        const std::uint32_t bits = (delta[symbol] + (1 << 15)) >> 16;
        return next(symbol, (bits << 16) - delta[symbol], static_cast<int>(bits));
    }

    int accuracy_log = 0;
    std::array<std::uint32_t, fse_symbols> delta{};  // what the number of bits follows from: see `bits`
    std::array<std::uint32_t, fse_symbols> first{};  // where its states are, less its probability, modulo 2**32
    std::array<std::uint16_t, 1 << fse_max_log> states{};
};

}  // namespace heatsvc
