#include "checksums.h"

#include <array>
#include <cstddef>

#include "bytes.h"

namespace heatsvc {
namespace {

// The two sums of Adler-32.
struct Adler {
    static constexpr std::uint64_t base = 65521;
    std::uint64_t low = 1, high = 0;

    // The sum of an arithmetic series. 2 has an inverse modulo `base`: n * (n + 1) / 2 may be taken of n modulo `base`.
    void add_fill(std::int64_t size, std::uint8_t fill) {
        const std::uint64_t n = static_cast<std::uint64_t>(size) % base;
        high = (high + n * low + fill * (n * (n + 1) / 2)) % base;
        low = (low + n * fill) % base;
    }

    // Leaves the sums as large as they become; `add_fill` has to follow.
    void add(const std::uint8_t* values, std::int64_t size) {
        constexpr std::int64_t most = 1 << 12;  // so many bytes cannot take the sum of products out of 32 bits
        for (; size > most; size -= most, values += most) {
            add_few(values, most);
            low %= base;
            high %= base;
        }
        add_few(values, size);
    }

    void add_few(const std::uint8_t* values, std::int64_t size) {
        std::uint32_t sum = 0, products = 0;
        for (std::int64_t i = 0; i < size; ++i) {
            sum += values[i];
            products += static_cast<std::uint32_t>(size - i) * values[i];
        }
        high += static_cast<std::uint64_t>(size) * low + products;
        low += sum;
    }
};

using ByteTable = std::array<std::uint32_t, 256>;
using WordTable = std::array<ByteTable, 4>;  // of each byte of a word, the lowest first

struct CrcTables {
    // [k]: the state after a byte with k zero bytes after it (slicing by 4).
    WordTable bytes;
    // [p]: the map of a state by 2**p zero bytes. To add zero bytes is a linear map over GF(2), 32 x 32, as zlib's
    // crc32_combine has it. 2**32 bytes are the same map as one, since the polynomial is primitive.
    std::array<WordTable, 32> zeros;
};

std::uint32_t apply(const WordTable& map, std::uint32_t state) {
    return map[0][state & 0xFF] ^ map[1][state >> 8 & 0xFF] ^ map[2][state >> 16 & 0xFF] ^ map[3][state >> 24];
}

const CrcTables& crc_tables() {
    static const CrcTables tables = [] {
        CrcTables made{};
        for (std::uint32_t byte = 0; byte < 256; ++byte) {
            std::uint32_t state = byte;
            for (int bit = 0; bit < 8; ++bit) {
                state = state >> 1 ^ ((state & 1) != 0 ? 0xEDB88320 : 0);
            }
            made.bytes[0][byte] = state;
        }
        const auto after_zero = [&](std::uint32_t state) { return made.bytes[0][state & 0xFF] ^ state >> 8; };
        for (std::uint32_t byte = 0; byte < 256; ++byte) {
            for (std::size_t place = 0; place < 4; ++place) {
                if (place > 0) {
                    made.bytes[place][byte] = after_zero(made.bytes[place - 1][byte]);
                }
                made.zeros[0][place][byte] = after_zero(byte << 8 * place);
            }
        }
        for (std::size_t power = 1; power < made.zeros.size(); ++power) {
            for (std::size_t place = 0; place < 4; ++place) {
                for (std::size_t byte = 0; byte < 256; ++byte) {
                    made.zeros[power][place][byte] = apply(made.zeros[power - 1], made.zeros[power - 1][place][byte]);
                }
            }
        }
        return made;
    }();
    return tables;
}

std::uint32_t after_zeros(const CrcTables& tables, std::uint32_t state, std::int64_t size) {
    for (std::size_t power = 0; size > 0; size >>= 1, ++power) {
        if ((size & 1) != 0) {
            state = apply(tables.zeros[power % tables.zeros.size()], state);
        }
    }
    return state;
}

// The state that a byte leaves as it is. Seen from there, more of that byte are zero bytes.
std::uint32_t fixed_state(const ByteTable& table, std::uint8_t byte) {
    for (std::uint32_t i = 0; i < 256; ++i) {
        // state = table[i] ^ state >> 8, where i is the lowest byte of state ^ byte.
        std::uint32_t state = table[i];
        state ^= state >> 8;
        state ^= state >> 16;
        if (((state ^ byte) & 0xFF) == i) {
            return state;
        }
    }
    return 0;  // not reached: each byte has one
}

}  // namespace

std::uint32_t adler32(const Runs& runs) {
    runs.check();
    Adler adler;
    const std::uint8_t* source = runs.values.data();
    std::int64_t done = 0;
    for (std::size_t run = 0; run < runs.starts.size(); ++run) {
        const std::int64_t start = runs.starts[run] * runs.itemsize, size = runs.lengths[run] * runs.itemsize;
        adler.add_fill(start - done, runs.fill);
        adler.add(source, size);
        source += size;
        done = start + size;
    }
    adler.add_fill(runs.size * runs.itemsize - done, runs.fill);
    return static_cast<std::uint32_t>(adler.high << 16 | adler.low);
}

std::uint32_t crc32(const Runs& runs) {
    runs.check();
    const CrcTables& tables = crc_tables();
    const std::uint32_t fixed = fixed_state(tables.bytes[0], runs.fill);
    const std::uint8_t* source = runs.values.data();
    std::uint32_t state = 0xFFFFFFFF;
    std::int64_t done = 0;
    for (std::size_t run = 0; run < runs.starts.size(); ++run) {
        const std::int64_t start = runs.starts[run] * runs.itemsize, size = runs.lengths[run] * runs.itemsize;
        state = after_zeros(tables, state ^ fixed, start - done) ^ fixed;
        std::int64_t i = 0;
        for (; i + 4 <= size; i += 4, source += 4) {
            state ^= load<std::uint32_t>(source);
            state = tables.bytes[3][state & 0xFF] ^ tables.bytes[2][state >> 8 & 0xFF] ^
                    tables.bytes[1][state >> 16 & 0xFF] ^ tables.bytes[0][state >> 24];
        }
        for (; i < size; ++i) {
            state = tables.bytes[0][(state ^ *source++) & 0xFF] ^ state >> 8;
        }
        done = start + size;
    }
    state = after_zeros(tables, state ^ fixed, runs.size * runs.itemsize - done) ^ fixed;
    return ~state;
}

std::uint32_t crc32_after_zeros(std::uint32_t check, std::int64_t size) {
    return after_zeros(crc_tables(), check, size);
}

}  // namespace heatsvc
