#include "deflate.h"

#include <algorithm>
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

// A code and its bits.
struct Code {
    std::uint64_t code;
    int bits;
};

class BlockWriter {
  public:
    BlockWriter(const DeflateTable& table, std::uint8_t fill, std::uint8_t* out) : table_(table), writer_(out), fill_(literal(fill)) {
        // As many longest matches as 32 bits hold: most of a volume is these.
        const Code longest = match(longest_match);
        many_ = 32 / longest.bits;
        many_longest_ = {0, many_ * longest.bits};
        for (int i = 0; i < many_; ++i) {
            many_longest_.code |= longest.code << (i * longest.bits);
        }
        for (std::int64_t i = 0, left = table.header_bits; left > 0; ++i, left -= 8) {
            write({table.header[i] & ((1U << std::min<std::int64_t>(left, 8)) - 1), static_cast<int>(std::min<std::int64_t>(left, 8))});
        }
    }

    // `size` bytes of fill: the first as a literal, the rest as matches of the byte before.
    void write_fill(std::int64_t size) {
        if (size > 0) {
            write(fill_);
            --size;
        }
        for (; size >= longest_match * many_; size -= longest_match * many_) {
            write(many_longest_);
        }
        while (size >= 3) {
            const std::int64_t part = std::min(size, longest_match);
            write(match(part));
            size -= part;
        }
        for (; size > 0; --size) {
            write(fill_);
        }
    }

    void write_bytes(const std::uint8_t* values, std::int64_t size) {
        std::int64_t i = 0;
        for (; i + 3 <= size; i += 3) {
            for (std::int64_t k = i; k < i + 3; ++k) {
                const Code code = literal(values[k]);
                writer_.add(code.code, code.bits);
            }
            writer_.flush();
        }
        for (; i < size; ++i) {
            write(literal(values[i]));
        }
    }

    // The end of the block, and an empty stored block: three zero bits, the rest of the byte, then length 0 and its
    // complement.
    std::uint8_t* finish() {
        write(literal(end_of_block));
        write({0, 3});
        std::uint8_t* const end = writer_.finish();
        store(end, std::uint32_t{0xFFFF0000});
        return end + 4;
    }

  private:
    Code literal(std::size_t byte) const { return {table_.literal_code[byte], static_cast<int>(table_.literal_bits[byte])}; }
    Code match(std::int64_t length) const { return {table_.match_code[length], static_cast<int>(table_.match_bits[length])}; }

    void write(Code code) {
        writer_.add(code.code, code.bits);
        writer_.flush();
    }

    const DeflateTable& table_;
    BitWriter writer_;
    Code fill_, many_longest_;
    int many_;
};

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
    // A gap is at most three literals and a match that is not the longest. The end is an end of block, 10 bits and 4 bytes;
    // 8 bytes are room.
    const std::int64_t size = runs.size * runs.itemsize;
    const std::int64_t gap_codes = 4 * (std::ssize(runs.starts) + 1) + size / longest_match;
    const std::int64_t bits = table.header_bits + most_literal_bits * (std::ssize(runs.values) + 1) + most_match_bits * gap_codes;
    if (std::ssize(out) < bits / 8 + 16) {
        throw std::invalid_argument("there is no room for the block");
    }
    BlockWriter writer(table, runs.fill, out.data());
    const std::uint8_t* source = runs.values.data();
    std::int64_t done = 0;
    for (std::size_t run = 0; run < runs.starts.size(); ++run) {
        const std::int64_t start = runs.starts[run] * runs.itemsize, bytes = runs.lengths[run] * runs.itemsize;
        writer.write_fill(start - done);
        writer.write_bytes(source, bytes);
        source += bytes;
        done = start + bytes;
    }
    writer.write_fill(size - done);
    return static_cast<std::size_t>(writer.finish() - out.data());
}

}  // namespace heatsvc
