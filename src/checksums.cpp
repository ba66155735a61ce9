#include "checksums.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "bytes.h"

namespace heatsvc {
namespace {

constexpr std::uint64_t adler_base = 65521;

// A linear map of a state of 32 bits over GF(2): what each byte of the state becomes, the lowest first.
using LinearMap = std::array<std::array<std::uint32_t, 256>, 4>;

std::uint32_t apply(const LinearMap& map, std::uint32_t state) {
    return map[0][state & 0xFF] ^ map[1][state >> 8 & 0xFF] ^ map[2][state >> 16 & 0xFF] ^ map[3][state >> 24];
}

// [p]: what 2**p zero bytes do to a state, as zlib's crc32_combine has it. 2**32 bytes do the same as one, since the
// polynomial is primitive. A byte that is not zero is a zero byte after it was added to the state.
const std::array<LinearMap, 32>& zero_maps() {
    static const std::array<LinearMap, 32> maps = [] {
        std::array<LinearMap, 32> made{};
        for (std::size_t power = 0; power < made.size(); ++power) {
            for (std::size_t place = 0; place < 4; ++place) {
                for (std::uint32_t byte = 0; byte < 256; ++byte) {
                    std::uint32_t state = byte << 8 * place;
                    if (power > 0) {
                        state = apply(made[power - 1], apply(made[power - 1], state));
                    } else {
                        for (int bit = 0; bit < 8; ++bit) {
                            state = state >> 1 ^ ((state & 1) != 0 ? 0xEDB88320 : 0);
                        }
                    }
                    made[power][place][byte] = state;
                }
            }
        }
        return made;
    }();
    return maps;
}

// The state that a byte does not change. Relative to it, further bytes of this value act like zero bytes.
std::uint32_t fixed_state(std::uint8_t byte) {
    for (std::uint32_t i = 0; i < 256; ++i) {
        // state = map[0][i] ^ state >> 8, where i is the lowest byte of state ^ byte.
        std::uint32_t state = zero_maps()[0][0][i];
        state ^= state >> 8;
        state ^= state >> 16;
        if (((state ^ byte) & 0xFF) == i) {
            return state;
        }
    }
    return 0;  // not reached: each byte has such a state
}

}  // namespace

// Adler-32 is 1 and the sum of all bytes; and the sum of these sums after each byte, modulo a prime. The sums begin as
// those of `size` bytes of fill; each run adds its difference from the fill.
std::uint32_t adler32(const Runs& runs) {
    runs.check();
    constexpr std::int64_t max_part = 1 << 12;  // bytes whose products surely have 32 bits
    const std::uint64_t size = static_cast<std::uint64_t>(runs.size) * static_cast<std::uint64_t>(runs.itemsize);
    // 2 has an inverse modulo the prime: n * (n + 1) / 2 may be taken of n modulo it.
    const auto series = [](std::uint64_t n) { return n % adler_base * (n % adler_base + 1) / 2 % adler_base; };
    std::uint64_t low = 1 + size % adler_base * runs.fill, high = size + runs.fill * series(size);
    const std::uint8_t* source = runs.values.data();
    for (std::size_t run = 0; run < runs.starts.size(); ++run) {
        std::int64_t left = runs.lengths[run] * runs.itemsize;
        std::uint64_t behind = size - static_cast<std::uint64_t>(runs.starts[run] * runs.itemsize);
        for (std::int64_t part; left > 0; left -= part, source += part) {
            part = std::min(left, max_part);
            std::uint32_t values = 0, products = 0;
            for (std::int64_t i = 0; i < part; ++i) {
                values += source[i];
                products += static_cast<std::uint32_t>(part - i) * source[i];
            }
            // Subtract the fill modulo adler_base.
            const auto n = static_cast<std::uint64_t>(part);
            const std::uint64_t sum = values + n * (adler_base - runs.fill);
            behind -= n;
            low += sum;
            high += products + n * (n + 1) / 2 * (adler_base - runs.fill);
            high = (high + behind % adler_base * (sum % adler_base)) % adler_base;
        }
    }
    return static_cast<std::uint32_t>(high % adler_base << 16 | low % adler_base);
}

std::uint32_t crc32(const Runs& runs) {
    runs.check();
    const std::array<LinearMap, 32>& maps = zero_maps();
    const std::uint32_t fixed = fixed_state(runs.fill);
    const std::uint8_t* source = runs.values.data();
    std::uint32_t state = 0xFFFFFFFF;
    std::int64_t done = 0;
    for (std::size_t run = 0; run < runs.starts.size(); ++run) {
        const std::int64_t start = runs.starts[run] * runs.itemsize, size = runs.lengths[run] * runs.itemsize;
        state = crc32_after_zeros(state ^ fixed, start - done) ^ fixed;
        std::int64_t i = 0;
        for (; i + 4 <= size; i += 4, source += 4) {
            state = apply(maps[2], state ^ load<std::uint32_t>(source));
        }
        for (; i < size; ++i) {
            state = apply(maps[0], state ^ *source++);
        }
        done = start + size;
    }
    return ~(crc32_after_zeros(state ^ fixed, runs.size * runs.itemsize - done) ^ fixed);
}

std::uint32_t crc32_after_zeros(std::uint32_t check, std::int64_t size) {
    const std::array<LinearMap, 32>& maps = zero_maps();
    for (std::size_t power = 0; size > 0; size >>= 1, ++power) {
        if ((size & 1) != 0) {
            check = apply(maps[power % maps.size()], check);
        }
    }
    return check;
}

}  // namespace heatsvc
