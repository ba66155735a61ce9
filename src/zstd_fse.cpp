#include "zstd_fse.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <numeric>

#include "bytes.h"

namespace heatsvc {

Distribution normalize(const Counts& counts, int accuracy_log) {
    Distribution distribution{accuracy_log, {}};
    const std::int64_t states = std::int64_t{1} << accuracy_log, total = std::reduce(counts.begin(), counts.end());
    std::int64_t left = states;
    for (std::size_t s = 0; s < counts.size(); ++s) {
        if (counts[s] > 0) {
            distribution.probabilities[s] =
                static_cast<std::int16_t>(std::max<std::int64_t>((2 * counts[s] * states + total) / (2 * total), 1));
            left -= distribution.probabilities[s];
        }
    }
    // An excess or deficit is compensated by the symbols with the most states.
    for (; left != 0; left -= left > 0 ? 1 : -1) {
        std::int16_t& most = *std::ranges::max_element(distribution.probabilities);
        most = static_cast<std::int16_t>(most + (left > 0 ? 1 : -1));
    }
    return distribution;
}

std::uint8_t* write_table_description(const Distribution& distribution, std::uint8_t* out) {
    // A probability plus one is written in as few bits as the remaining states need; the lowest values take one bit
    // less. After a probability of 0, two bits count further zeros, repeated while they are 3 (4.1.1).
    BitWriter writer(out);
    const auto put = [&](int value, int bits) {
        writer.add(static_cast<std::uint64_t>(value), bits);
        writer.flush();
    };
    put(distribution.accuracy_log - 5, 4);
    int left = (1 << distribution.accuracy_log) + 1, bits = distribution.accuracy_log + 1;
    for (std::size_t s = 0; left > 1;) {
        const int probability = distribution.probabilities[s++];
        const int threshold = 1 << (bits - 1), spare = 2 * threshold - 1 - left;
        left -= std::abs(probability);
        const int value = probability + 1;
        put(value >= threshold ? value + spare : value, value < spare ? bits - 1 : bits);
        if (probability == 0) {
            int zeros = 0;
            for (; distribution.probabilities[s] == 0; ++s) {
                ++zeros;
            }
            for (; zeros >= 3; zeros -= 3) {
                put(3, 2);
            }
            put(zeros, 2);
        }
        while (left > 1 && left < 1 << (bits - 1)) {
            --bits;
        }
    }
    return writer.finish();
}

FseTable::FseTable(const Distribution& distribution) : accuracy_log(distribution.accuracy_log) {
    // States are assigned in strides, those of the rarest symbols from the end (4.1.1).
    const int count = 1 << accuracy_log;
    std::array<std::uint8_t, 1 << fse_max_log> symbol_of{};
    int last = count - 1;
    for (int s = 0; s < fse_symbols; ++s) {
        if (distribution.probabilities[s] == -1) {
            symbol_of[last--] = static_cast<std::uint8_t>(s);
        }
    }
    const int stride = (count >> 1) + (count >> 3) + 3;
    int state = 0;
    std::uint32_t before = 0;  // states of the symbols before
    std::array<std::uint32_t, fse_symbols> at{};
    for (int s = 0; s < fse_symbols; ++s) {
        for (int i = 0; i < distribution.probabilities[s]; ++i) {
            symbol_of[state] = static_cast<std::uint8_t>(s);
            do {
                state = (state + stride) & (count - 1);
            } while (state > last);
        }
        const auto probability = static_cast<std::uint32_t>(std::abs(distribution.probabilities[s]));
        if (probability > 0) {
            const int max_bits =
                probability > 1 ? accuracy_log + 1 - static_cast<int>(std::bit_width(probability - 1)) : accuracy_log;
            delta[s] = (static_cast<std::uint32_t>(max_bits) << 16) - (probability << max_bits);
            first[s] = before - probability;
        }
        at[s] = before;
        before += probability;
    }
    for (int x = 0; x < count; ++x) {
        states[at[symbol_of[x]]++] = static_cast<std::uint16_t>(count + x);
    }
}

}  // namespace heatsvc
