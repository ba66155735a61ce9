#include "zstd_fse.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <numeric>

#include "bytes.h"

namespace heatsvc {

Shares normalize(const Counts& counts, int log) {
    Shares shares{log, {}};
    const std::int64_t states = std::int64_t{1} << log, total = std::reduce(counts.begin(), counts.end());
    std::int64_t left = states;
    for (std::size_t s = 0; s < counts.size(); ++s) {
        if (counts[s] > 0) {
            shares.of[s] =
                static_cast<std::int16_t>(std::max<std::int64_t>((2 * counts[s] * states + total) / (2 * total), 1));
            left -= shares.of[s];
        }
    }
    // An excess or deficit is compensated by the symbols with the most states.
    for (; left != 0; left -= left > 0 ? 1 : -1) {
        std::int16_t& most = *std::ranges::max_element(shares.of);
        most = static_cast<std::int16_t>(most + (left > 0 ? 1 : -1));
    }
    return shares;
}

std::uint8_t* describe(const Shares& shares, std::uint8_t* out) {
    // A share is written plus one, in just as many bits as what is left to be shared out can need; the lower ones of
    // the numbers that leaves over take a bit less. After a share of 0 stand two bits for how many more follow, again
    // and again while they are 3.
    BitWriter writer(out);
    const auto put = [&](int value, int bits) {
        writer.add(static_cast<std::uint64_t>(value), bits);
        writer.flush();
    };
    put(shares.log - 5, 4);
    int left = (1 << shares.log) + 1, bits = shares.log + 1;
    for (std::size_t s = 0; left > 1;) {
        const int share = shares.of[s++];
        const int threshold = 1 << (bits - 1), spare = 2 * threshold - 1 - left;
        left -= std::abs(share);
        const int value = share + 1;
        put(value >= threshold ? value + spare : value, value < spare ? bits - 1 : bits);
        if (share == 0) {
            int zeros = 0;
            for (; shares.of[s] == 0; ++s) {
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

FseTable::FseTable(const Shares& shares) : log(shares.log) {
    // States are assigned in strides, those of the rarest symbols from the end (4.1.1).
    const int count = 1 << log;
    std::array<std::uint8_t, 1 << fse_largest_log> symbol_of{};
    int last = count - 1;
    for (int s = 0; s < fse_symbols; ++s) {
        if (shares.of[s] == -1) {
            symbol_of[last--] = static_cast<std::uint8_t>(s);
        }
    }
    const int stride = (count >> 1) + (count >> 3) + 3;
    int place = 0;
    std::uint32_t before = 0;  // states of the symbols before
    std::array<std::uint32_t, fse_symbols> at{};
    for (int s = 0; s < fse_symbols; ++s) {
        for (int i = 0; i < shares.of[s]; ++i) {
            symbol_of[place] = static_cast<std::uint8_t>(s);
            do {
                place = (place + stride) & (count - 1);
            } while (place > last);
        }
        const auto share = static_cast<std::uint32_t>(std::abs(shares.of[s]));
        if (share > 0) {
            const int most_bits = share > 1 ? log + 1 - static_cast<int>(std::bit_width(share - 1)) : log;
            delta[s] = (static_cast<std::uint32_t>(most_bits) << 16) - (share << most_bits);
            first[s] = before - share;
        }
        at[s] = before;
        before += share;
    }
    for (int x = 0; x < count; ++x) {
        states[at[symbol_of[x]]++] = static_cast<std::uint16_t>(count + x);
    }
}

}  // namespace heatsvc
