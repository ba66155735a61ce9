#include "zstd_small.h"

#include <algorithm>
#include <array>
#include <span>

#include "bytes.h"
#include "zstd_block.h"
#include "zstd_fse.h"
#include "zstd_huffman.h"
#include "zstd_matches.h"
#include "zstd_sequences.h"

namespace heatsvc {
namespace {

constexpr std::int64_t few = 64;         // sequences that are too few for tables of their own
constexpr std::size_t one_stream = 256;  // fewer literals are one stream, more are four, decoded at the same time

enum class LiteralsType : std::uint64_t { raw = 0, coded = 2, treeless = 3 };         // 3.1.1.3.1.1
enum class TableMode : std::uint8_t { predefined, one_symbol, described, repeated };  // 3.1.1.3.2.1.2

// A table of a round's sequences, with its description where it has one.
struct SequenceCode {
    TableMode mode = TableMode::predefined;
    FseTable table;
    Description description;

    void make(const Counts& counts, std::int64_t sequences, const Shares& predefined, int largest_log) {
        const auto used = fse_symbols - std::ranges::count(counts, 0);
        int symbols = fse_symbols;
        while (symbols > 0 && counts[symbols - 1] == 0) {
            --symbols;
        }
        if (used == 1) {
            mode = TableMode::one_symbol;
            description.bytes[0] = static_cast<std::uint8_t>(symbols - 1);
            description.size = 1;
        } else if (sequences >= few) {
            const Shares shares = normalise(counts, fse_log(sequences, symbols, 5, largest_log));
            const std::size_t size = describe(shares, description.bytes.data());
            if (fse_cost(counts, shares) + 8 * static_cast<double>(size) < fse_cost(counts, predefined)) {
                mode = TableMode::described;
                description.size = size;
                table = FseTable(shares);
            }
        }
    }
};

class BlockWriter {
  public:
    BlockWriter(std::int64_t expected, std::uint8_t fill) : fill_(fill) { reserve(expected); }

    void write(const Round& round) {
        reserve(room(round));
        const HuffmanCode literal_code(round.literals, std::ssize(round.blocks));
        make_sequence_codes(round.sequences);
        have_literal_code_ = have_tables_ = false;
        std::size_t literal = 0, sequence = 0;
        std::uint8_t* at = bytes_.get() + size_;
        for (const FoundBlock& block : round.blocks) {
            at = write_rle_blocks(block.gap, fill_, at);
            if (block.size > 0) {
                at = write_block(block.size, round.literals.subspan(literal, block.literals),
                                 round.sequences.subspan(sequence, block.sequences), literal_code, at);
            }
            literal += block.literals;
            sequence += block.sequences;
        }
        size_ = at - bytes_.get();
    }

    EncodedBytes finish() { return {std::move(bytes_), static_cast<std::size_t>(size_)}; }

  private:
    // Bytes that may be written for a round. A sequence has 76 bits at the most. Literals' codes may turn out to be
    // half as long again as the literals, which then take their place.
    static std::int64_t room(const Round& round) {
        // A block has at most 3 + 5 + 6 + 3 + 1 + 3 bytes beside its literals and sequences, and a partial byte.
        constexpr std::int64_t headers = 32;
        constexpr std::int64_t descriptions = 512;  // all of a round's, and what a store of 8 bytes oversteps
        std::int64_t bytes = descriptions, longest = 0;
        for (const FoundBlock& block : round.blocks) {
            bytes += 4 * (block.gap / block_size + 1) + block.literals + 10 * block.sequences + headers;
            longest = std::max(longest, block.literals);
        }
        return bytes + longest / 2;
    }

    // Make room for so many bytes more.
    void reserve(std::int64_t more) {
        if (capacity_ - size_ < more) {
            capacity_ = std::max(size_ + more, 2 * size_);
            auto larger = std::make_unique_for_overwrite<std::uint8_t[]>(static_cast<std::size_t>(capacity_));
            std::copy_n(bytes_.get(), size_, larger.get());
            bytes_ = std::move(larger);
        }
    }

    void make_sequence_codes(std::span<const Sequence> sequences) {
        std::array<Counts, 3> counts{};
        for (const Sequence& sequence : sequences) {
            ++counts[0][literal_length_code(sequence.literals)];
            ++counts[1][offset_code(sequence.offset)];
            ++counts[2][match_length_code(sequence.match)];
        }
        for (std::size_t t = 0; t < codes_.size(); ++t) {
            codes_[t] = {};
            codes_[t].make(counts[t], std::ssize(sequences), predefined_shares()[t], t == 1 ? 8 : 9);
            tables_[t] = codes_[t].mode == TableMode::predefined ? predefined_tables()[t] : &codes_[t].table;
        }
    }

    std::uint8_t* write_block(std::int64_t size, std::span<const std::uint8_t> literals,
                              std::span<const Sequence> sequences, const HuffmanCode& literal_code, std::uint8_t* out) {
        std::uint8_t* const content = out + block_header_size;
        std::uint8_t* at =
            literal_code.description.size > 0 ? write_coded_literals(literals, literal_code, content) : nullptr;
        const bool coded = at != nullptr;
        at = write_sequence_count(sequences.size(), coded ? at : write_raw_literals(literals, content));
        if (!sequences.empty()) {
            at = write_tables(at);
            at = write_sequences(sequences, tables_, at);
        }
        if (at - content < size) {
            have_literal_code_ |= coded;
            have_tables_ |= !sequences.empty();
        } else if (sequences.empty()) {
            store(out, block_header(Block::raw, size));
            return std::ranges::copy(literals, content).out;
        } else {
            // The descriptions were too much for so small a block, which was found to be smaller with what this takes.
            at = write_sequence_count(sequences.size(), write_raw_literals(literals, content));
            *at++ = 0;  // predefined
            at = write_sequences(sequences, predefined_tables(), at);
        }
        write_block_header(Block::compressed, at - content, out);
        return at;
    }

    // The modes of the three tables, and the descriptions of those that no block before has.
    std::uint8_t* write_tables(std::uint8_t* out) const {
        std::uint8_t* at = out + 1;
        unsigned modes = 0;
        for (const SequenceCode& code : codes_) {
            const bool repeated = code.mode == TableMode::described && have_tables_;
            modes = modes << 2 | static_cast<unsigned>(repeated ? TableMode::repeated : code.mode);
            if (!repeated) {
                at = std::copy_n(code.description.bytes.data(), code.description.size, at);
            }
        }
        *out = static_cast<std::uint8_t>(modes << 2);
        return at;
    }

    // A literals section of literals as they are (3.1.1.3.1).
    static std::uint8_t* write_raw_literals(std::span<const std::uint8_t> literals, std::uint8_t* out) {
        const auto size = static_cast<std::uint32_t>(literals.size());
        if (size < 32) {
            *out++ = static_cast<std::uint8_t>(size << 3);
        } else if (size < 4096) {
            store(out, static_cast<std::uint16_t>(size << 4 | 1 << 2));
            out += 2;
        } else {
            store(out, size << 4 | 3 << 2);
            out += 3;
        }
        return std::ranges::copy(literals, out).out;
    }

    // A literals section in Huffman codes; nullptr where it would be no shorter than the literals.
    std::uint8_t* write_coded_literals(std::span<const std::uint8_t> literals, const HuffmanCode& code,
                                       std::uint8_t* out) const {
        const std::size_t size = literals.size(), streams = size < one_stream ? 1 : 4;
        const int header_size = size < 1024 ? 3 : size < 1 << 14 ? 4 : 5;
        std::uint8_t* const content = out + header_size;
        std::uint8_t* at = content;
        if (!have_literal_code_) {
            at = std::copy_n(code.description.bytes.data(), code.description.size, at);
        }
        if (streams == 1) {
            at = write_literals(literals, code, at);
        } else {
            std::uint8_t* sizes = at;  // of the first three
            at += 6;
            const std::size_t part = (size + 3) / 4;
            for (std::size_t first = 0; first < size; first += part, sizes += 2) {
                std::uint8_t* const begin = at;
                at = write_literals(literals.subspan(first, std::min(part, size - first)), code, at);
                if (first + part < size) {
                    store(sizes, static_cast<std::uint16_t>(at - begin));
                }
            }
        }
        const auto coded = static_cast<std::uint64_t>(at - content);
        if (coded >= size) {
            return nullptr;
        }
        const auto type = static_cast<std::uint64_t>(have_literal_code_ ? LiteralsType::treeless : LiteralsType::coded);
        const int format = header_size > 3 ? header_size - 2 : streams > 1 ? 1 : 0;
        // Both sizes of 10, 14 or 18 bits.
        const std::uint64_t header =
            type | static_cast<std::uint64_t>(format) << 2 | size << 4 | coded << (4 * header_size + 2);
        std::memcpy(out, &header, static_cast<std::size_t>(header_size));
        return at;
    }

    std::uint8_t fill_;
    std::unique_ptr<std::uint8_t[]> bytes_;
    std::int64_t size_ = 0, capacity_ = 0;
    // Of a round.
    std::array<SequenceCode, 3> codes_;
    SequenceTables tables_;
    bool have_literal_code_ = false, have_tables_ = false;  // whether a block has described it
};

}  // namespace

EncodedBytes zstd_small(const Runs& runs) {
    runs.check();
    MatchFinder finder(runs);
    BlockWriter writer(zstd_bound(runs) + 1024, runs.fill);
    for (Round round = finder.find(); !round.blocks.empty(); round = finder.find()) {
        writer.write(round);
    }
    return writer.finish();
}

}  // namespace heatsvc
