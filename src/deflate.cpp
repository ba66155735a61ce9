#include "deflate.h"

#include <algorithm>
#include <stdexcept>

#include "bytes.h"

namespace heatsvc {
namespace {

constexpr std::int64_t max_match = 258;
constexpr std::size_t end_of_block = 256;
constexpr int max_literal_bits = 15, max_match_bits = 15 + 5 + 1;

int bits_of(std::uint32_t code) { return static_cast<int>(code & 31); }

bool within(std::span<const std::uint32_t> codes, int max_bits) {
    return std::ranges::all_of(codes, [max_bits](std::uint32_t code) {
        return 0 < bits_of(code) && bits_of(code) <= max_bits && code >> 5 >> bits_of(code) == 0;
    });
}

class BlockWriter {
  public:
    BlockWriter(const DeflateTable& table, std::uint8_t fill, std::uint8_t* out)
        : table_(table), fill_(table.literals[fill]), writer_(out) {
        const std::uint32_t longest = table.matches[max_match];
        for (; (many_ + 1) * bits_of(longest) <= 32; ++many_) {
            many_longest_ |= std::uint64_t{longest >> 5} << (many_ * bits_of(longest));
        }
        for (std::int64_t i = 0; i < table.header_bits; i += 8) {
            const auto bits = static_cast<int>(std::min<std::int64_t>(table.header_bits - i, 8));
            writer_.add(table.header[i / 8] & ((1U << bits) - 1), bits);
            writer_.flush_word();
        }
    }

    // `size` bytes of fill: the first as a literal, the rest as matches of the byte before.
    void write_fill(std::int64_t size) {
        if (size > 0) {
            write(fill_);
            --size;
        }
        for (; size >= max_match * many_; size -= max_match * many_) {
            writer_.add(many_longest_, many_ * bits_of(table_.matches[max_match]));
            writer_.flush_word();
        }
        while (size >= 3) {
            const std::int64_t part = std::min(size, max_match);
            write(table_.matches[part]);
            size -= part;
        }
        for (; size > 0; --size) {
            write(fill_);
        }
    }

    void write_bytes(std::span<const std::uint8_t> values) {
        const std::span<const std::uint32_t> literals = table_.literals;
        std::size_t i = 0;
        for (; i + 2 <= values.size(); i += 2) {
            add(literals[values[i]]);
            write(literals[values[i + 1]]);
        }
        if (i < values.size()) {
            write(literals[values[i]]);
        }
    }

    // End the block; an empty stored one is three zero bits, the rest of the byte, then length 0 and its complement.
    std::uint8_t* finish() {
        add(table_.literals[end_of_block]);
        writer_.add(0, 3);
        std::uint8_t* const end = writer_.finish();
        store(end, std::uint32_t{0xFFFF0000});
        return end + 4;
    }

  private:
    void add(std::uint32_t code) { writer_.add(code >> 5, bits_of(code)); }

    void write(std::uint32_t code) {
        add(code);
        writer_.flush_word();
    }

    DeflateTable table_;
    std::uint32_t fill_;
    // As many longest matches as fit into 32 bits, and their number: most of a volume consists of these.
    std::uint64_t many_longest_ = 0;
    int many_ = 0;
    BitWriter writer_;
};

}  // namespace

void DeflateTable::check() const {
    if (header_bits < 0 || header_bits > 8 * std::ssize(header) || literals.size() != end_of_block + 1 ||
        matches.size() != max_match + 1 || !within(literals, max_literal_bits) ||
        !within(matches.subspan(3), max_match_bits)) {
        throw std::invalid_argument("the Huffman table's sizes or codes are invalid");
    }
}

std::size_t deflate_block(const Runs& runs, const DeflateTable& table, std::span<std::uint8_t> out) {
    runs.check();
    table.check();
    // A gap is at most three literals and a match that is not the longest. The end is an end of block, 10 bits and 4
    // bytes; 8 bytes are room.
    const std::int64_t size = runs.size * runs.itemsize;
    const std::int64_t gap_codes = 4 * (std::ssize(runs.starts) + 1) + size / max_match;
    const std::int64_t max_bits =
        table.header_bits + max_literal_bits * (std::ssize(runs.values) + 1) + max_match_bits * gap_codes;
    if (std::ssize(out) < max_bits / 8 + 16) {
        throw std::invalid_argument("there is no room for the block");
    }
    BlockWriter writer(table, runs.fill, out.data());
    std::span<const std::uint8_t> values = runs.values;
    std::int64_t done = 0;
    for (std::size_t run = 0; run < runs.starts.size(); ++run) {
        const std::int64_t start = runs.starts[run] * runs.itemsize, bytes = runs.lengths[run] * runs.itemsize;
        writer.write_fill(start - done);
        writer.write_bytes(values.first(bytes));
        values = values.subspan(bytes);
        done = start + bytes;
    }
    writer.write_fill(size - done);
    return static_cast<std::size_t>(writer.finish() - out.data());
}

}  // namespace heatsvc
