#include "deflate.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "bytes.h"

namespace heatsvc {
namespace {

constexpr std::int64_t longest_match = 258;
constexpr std::size_t end_of_block = 256;
constexpr std::int64_t most_literal_bits = 15, most_match_bits = 15 + 5 + 1;

bool within(std::span<const std::int64_t> bits, std::int64_t most) {
    return std::ranges::all_of(bits, [most](std::int64_t each) { return 0 < each && each <= most; });
}

// A code, and its bits in the lowest five.
using Code = std::uint32_t;

int bits_of(Code code) { return static_cast<int>(code & 31); }

void add(BitWriter& writer, Code code) { writer.add(code >> 5, bits_of(code)); }

// The codes of a table.
struct Codes {
    std::array<Code, end_of_block + 1> literals;
    std::array<Code, longest_match + 1> matches;
    Code fill;
    // As many longest matches as 32 bits hold, and how many they are: most of a volume is these.
    std::uint64_t many_longest = 0;
    int many = 0;

    Codes(const DeflateTable& table, std::uint8_t fill_byte) {
        const auto packed = [](std::uint64_t code, std::int64_t bits) {
            return static_cast<Code>((code & ((1U << bits) - 1)) << 5 | static_cast<std::uint64_t>(bits));
        };
        std::ranges::transform(table.literal_code, table.literal_bits, literals.begin(), packed);
        std::ranges::transform(table.match_code, table.match_bits, matches.begin(), packed);
        fill = literals[fill_byte];
        const Code longest = matches[longest_match];
        for (; (many + 1) * bits_of(longest) <= 32; ++many) {
            many_longest |= std::uint64_t{longest >> 5} << (many * bits_of(longest));
        }
    }
};

// `size` bytes of fill: the first as a literal, the rest as matches of the byte before.
void write_fill(BitWriter& writer, const Codes& codes, std::int64_t size) {
    if (size > 0) {
        add(writer, codes.fill);
        writer.flush_word();
        --size;
    }
    for (; size >= longest_match * codes.many; size -= longest_match * codes.many) {
        writer.add(codes.many_longest, codes.many * bits_of(codes.matches[longest_match]));
        writer.flush_word();
    }
    while (size >= 3) {
        const std::int64_t part = std::min(size, longest_match);
        add(writer, codes.matches[part]);
        writer.flush_word();
        size -= part;
    }
    for (; size > 0; --size) {
        add(writer, codes.fill);
        writer.flush_word();
    }
}

void write_bytes(BitWriter& writer, const Codes& codes, const std::uint8_t* values, std::int64_t size) {
    std::int64_t i = 0;
    for (; i + 2 <= size; i += 2) {
        add(writer, codes.literals[values[i]]);
        add(writer, codes.literals[values[i + 1]]);
        writer.flush_word();
    }
    if (i < size) {
        add(writer, codes.literals[values[i]]);
        writer.flush_word();
    }
}

}  // namespace

void DeflateTable::check() const {
    if (header_bits < 0 || header_bits > 8 * std::ssize(header) || literal_code.size() != end_of_block + 1 ||
        literal_bits.size() != literal_code.size() || match_code.size() != longest_match + 1 ||
        match_bits.size() != match_code.size() || !within(literal_bits, most_literal_bits) ||
        !within(match_bits.subspan(3), most_match_bits)) {
        throw std::invalid_argument("these are no codes of deflate");
    }
}

std::size_t deflate_block(const Runs& runs, const DeflateTable& table, std::span<std::uint8_t> out) {
    runs.check();
    table.check();
    // A gap is at most three literals and a match that is not the longest. The end is an end of block, 10 bits and 4
    // bytes; 8 bytes are room.
    const std::int64_t size = runs.size * runs.itemsize;
    const std::int64_t gap_codes = 4 * (std::ssize(runs.starts) + 1) + size / longest_match;
    const std::int64_t most_bits =
        table.header_bits + most_literal_bits * (std::ssize(runs.values) + 1) + most_match_bits * gap_codes;
    if (std::ssize(out) < most_bits / 8 + 16) {
        throw std::invalid_argument("there is no room for the block");
    }
    const Codes codes(table, runs.fill);
    BitWriter writer(out.data());
    for (std::int64_t i = 0, left = table.header_bits; left > 0; ++i, left -= 8) {
        const auto bits = static_cast<int>(std::min<std::int64_t>(left, 8));
        writer.add(table.header[i] & ((1U << bits) - 1), bits);
        writer.flush_word();
    }
    const std::uint8_t* source = runs.values.data();
    std::int64_t done = 0;
    for (std::size_t run = 0; run <= runs.starts.size(); ++run) {
        const bool last = run == runs.starts.size();
        write_fill(writer, codes, (last ? runs.size : runs.starts[run]) * runs.itemsize - done);
        if (!last) {
            const std::int64_t bytes = runs.lengths[run] * runs.itemsize;
            write_bytes(writer, codes, source, bytes);
            source += bytes;
            done = runs.starts[run] * runs.itemsize + bytes;
        }
    }
    // The end of the block, and an empty stored block: three zero bits, the rest of the byte, then length 0 and its
    // complement.
    add(writer, codes.literals[end_of_block]);
    writer.add(0, 3);
    std::uint8_t* const end = writer.finish();
    store(end, std::uint32_t{0xFFFF0000});
    return static_cast<std::size_t>(end + 4 - out.data());
}

}  // namespace heatsvc
