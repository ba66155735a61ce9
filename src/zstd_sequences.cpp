#include "zstd_sequences.h"

#include <bit>
#include <cstddef>

#include "bytes.h"

namespace heatsvc {
namespace {

// Lengths of a code: 2**extra of them, from `first` on, written as `extra` bits.
struct Lengths {
    std::int32_t first;
    int extra;
};

template <std::size_t codes>
constexpr std::array<Lengths, codes> lengths_of(std::int32_t first, const std::array<int, codes>& extra) {
    std::array<Lengths, codes> lengths{};
    for (std::size_t code = 0; code < codes; ++code) {
        lengths[code] = {first, extra[code]};
        first += 1 << extra[code];
    }
    return lengths;
}

// The codes of the shortest lengths; each longer one has a power of two of them.
template <std::size_t count, std::size_t codes>
constexpr std::array<std::uint8_t, count> shortest(const std::array<Lengths, codes>& lengths) {
    std::array<std::uint8_t, count> code{};
    std::size_t next = 0;
    for (std::size_t i = 0; i < count; ++i) {
        next += next + 1 < codes && lengths[next + 1].first - lengths[0].first == static_cast<std::int32_t>(i) ? 1 : 0;
        code[i] = static_cast<std::uint8_t>(next);
    }
    return code;
}

// 3.1.1.3.2.1.1
constexpr auto literal_lengths = lengths_of<36>(0, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0,  0,  0,  0,  1,  1,
                                                    1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16});
constexpr auto match_lengths =
    lengths_of<53>(3, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0,  0,  0,  0,  0,  0, 0,
                       0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16});
constexpr auto short_literals = shortest<64>(literal_lengths);
constexpr auto short_matches = shortest<128>(match_lengths);

// `repeats_only`: each offset is the first repeated one, which has no bits and needs no table.
template <bool repeats_only>
std::uint8_t* write(std::span<const Sequence> sequences, const SequenceTables& tables, std::uint8_t* out) {
    const FseTable &literals = *tables[0], &offsets = *tables[1], &matches = *tables[2];
    BitWriter writer(out);
    const auto low = [](std::uint32_t x, int bits) { return x & ((std::uint32_t{1} << bits) - 1); };
    // States of literal length, offset and match length: for the last sequence any of their symbols' will do. The bits
    // are read from the end: the last sequence is written first, and of each what is read last.
    std::uint32_t l = 1U << literals.accuracy_log, o = 1U << offsets.accuracy_log, m = 1U << matches.accuracy_log;
    for (std::size_t n = sequences.size(); n-- > 0;) {
        const Sequence& sequence = sequences[n];
        const bool last = n + 1 == sequences.size();
        const int literal = literal_length_code(sequence.literal_length);
        const int match = match_length_code(sequence.match_length);
        const int offset = repeats_only ? 0 : offset_code(sequence.offset_value);
        const int lb = literals.bits(literal, l), mb = matches.bits(match, m);
        if constexpr (!repeats_only) {
            const int ob = offsets.bits(offset, o);
            writer.add(last ? 0 : low(o, ob), last ? 0 : ob);
            o = offsets.next(offset, o, ob);
        }
        if (!last) {
            writer.add(low(m, mb), mb);
            writer.add(low(l, lb), lb);
        }
        l = literals.next(literal, l, lb), m = matches.next(match, m, mb);
        const Lengths &own_literals = literal_lengths[literal], &own_match = match_lengths[match];
        if constexpr (!repeats_only) {
            writer.make_room(own_literals.extra + own_match.extra + offset);
        }
        writer.add(static_cast<std::uint64_t>(sequence.literal_length - own_literals.first), own_literals.extra);
        writer.add(static_cast<std::uint64_t>(sequence.match_length - own_match.first), own_match.extra);
        writer.add(low(static_cast<std::uint32_t>(sequence.offset_value), offset), offset);
        writer.flush();
    }
    writer.add(low(m, matches.accuracy_log), matches.accuracy_log);
    writer.add(repeats_only ? 0 : low(o, offsets.accuracy_log), repeats_only ? 0 : offsets.accuracy_log);
    writer.add(low(l, literals.accuracy_log), literals.accuracy_log);
    return writer.finish_backward();
}

}  // namespace

int literal_length_code(std::int32_t length) {
    return length < 64 ? short_literals[length] : std::bit_width(static_cast<std::uint32_t>(length)) + 18;
}

int match_length_code(std::int32_t length) {
    return length < 131 ? short_matches[length - 3] : std::bit_width(static_cast<std::uint32_t>(length - 3)) + 35;
}

const SequenceTables& predefined_tables() {
    static const FseTable literals({6, {4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1,  1,  2,  2,
                                        2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1}});
    static const FseTable offsets(
        {5, {1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1}});
    static const FseTable matches(
        {6, {1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,  1,  1,  1,  1,  1,  1, 1,
             1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1}});
    static const SequenceTables tables{&literals, &offsets, &matches};
    return tables;
}

std::uint8_t* write_sequence_count(std::size_t count, std::uint8_t* out) {
    if (count < 128) {
        *out++ = static_cast<std::uint8_t>(count);
    } else if (count < 0x7F00) {
        *out++ = static_cast<std::uint8_t>((count >> 8) + 128);
        *out++ = static_cast<std::uint8_t>(count);
    } else {
        *out++ = 255;
        *out++ = static_cast<std::uint8_t>(count - 0x7F00);
        *out++ = static_cast<std::uint8_t>((count - 0x7F00) >> 8);
    }
    return out;
}

std::uint8_t* write_sequences(std::span<const Sequence> sequences, const SequenceTables& tables, std::uint8_t* out) {
    return write<false>(sequences, tables, out);
}

std::uint8_t* write_repeats(std::span<const Sequence> sequences, std::uint8_t* out) {
    return write<true>(sequences, predefined_tables(), out);
}

}  // namespace heatsvc
