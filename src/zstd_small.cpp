#include "zstd_small.h"

#include <algorithm>
#include <array>
#include <bit>
#include <stdexcept>

#include "bytes.h"
#include "zstd_block.h"
#include "zstd_fse.h"
#include "zstd_huffman.h"
#include "zstd_matches.h"
#include "zstd_sequences.h"

namespace heatsvc {
namespace {

constexpr std::size_t min_coded_literals = 16;
constexpr std::size_t min_sequences_for_tables = 64;  // with fewer, own tables do not pay

enum class LiteralsType : std::uint64_t { coded = 2, treeless = 3 };                  // 3.1.1.3.1.1
enum class TableMode : std::uint8_t { predefined, one_symbol, described, repeated };  // 3.1.1.3.2.1.2

// A table of a tile's sequences, with its description where it has one.
struct SequenceCode {
    SequenceCode(const Counts& counts, std::size_t sequences, const FseTable& predefined, int max_log)
        : table(predefined) {
        const auto used = fse_symbols - std::ranges::count(counts, 0);
        if (used == 1) {
            mode = TableMode::one_symbol;
            table = FseTable();
            description[0] = static_cast<std::uint8_t>(std::ranges::max_element(counts) - counts.begin());
            description_size = 1;
        } else if (sequences >= min_sequences_for_tables) {
            mode = TableMode::described;
            const Distribution distribution =
                normalize(counts, std::clamp(static_cast<int>(std::bit_width(sequences)) - 3, 6, max_log));
            description_size = write_table_description(distribution, description.data()) - description.data();
            table = FseTable(distribution);
        }
    }

    TableMode mode = TableMode::predefined;
    FseTable table;
    std::array<std::uint8_t, 128> description;
    std::ptrdiff_t description_size = 0;
};

std::array<SequenceCode, 3> sequence_codes(std::span<const Sequence> sequences) {
    std::array<Counts, 3> counts{};
    for (const Sequence& sequence : sequences) {
        ++counts[0][literal_length_code(sequence.literal_length)];
        ++counts[1][offset_code(sequence.offset_value)];
        ++counts[2][match_length_code(sequence.match_length)];
    }
    const auto code = [&](std::size_t t) {
        return SequenceCode(counts[t], sequences.size(), *predefined_tables()[t], t == 1 ? 8 : 9);
    };
    return {code(0), code(1), code(2)};
}

// Writes the blocks of a tile, with codes that the first of them describes.
class BlockWriter {
  public:
    explicit BlockWriter(const Matches& found)
        : literal_code_({found.literals.get(), found.literal_count}, found.blocks.size()),
          codes_(sequence_codes({found.sequences.get(), found.sequence_count})) {}

    // A compressed block; nullptr if it is not smaller than its content.
    std::uint8_t* write(std::int64_t size, std::span<const std::uint8_t> literals, std::span<const Sequence> sequences,
                        std::uint8_t* out) {
        const bool literals_described = literals_described_;
        std::uint8_t* const content = out + block_header_size;
        std::uint8_t* at = write_literals_section(literals, content);
        at = write_sequence_count(sequences.size(), at);
        if (!sequences.empty()) {
            at = write_tables(at);
            at = write_sequences(sequences, {&codes_[0].table, &codes_[1].table, &codes_[2].table}, at);
        }
        if (at - content >= size) {
            literals_described_ = literals_described;
            return nullptr;
        }
        write_block_header(Block::compressed, at - content, out);
        return at;
    }

  private:
    // A literals section (3.1.1.3.1): four streams of Huffman codes, or raw literals if that is shorter.
    std::uint8_t* write_literals_section(std::span<const std::uint8_t> literals, std::uint8_t* out) {
        const std::size_t size = literals.size();
        if (literal_code_.description_size > 0 && size >= min_coded_literals) {
            const LiteralsType type = literals_described_ ? LiteralsType::treeless : LiteralsType::coded;
            // Both sizes have 10, 14 or 18 bits.
            const int format = size < 1 << 10 ? 1 : size < 1 << 14 ? 2 : 3, header_size = format + 2;
            std::uint8_t* const content = out + header_size;
            std::uint8_t* sizes = content;  // of the first three streams
            if (type == LiteralsType::coded) {
                sizes = std::copy_n(literal_code_.description.data(), literal_code_.description_size, content);
            }
            std::uint8_t* at = sizes + 6;
            const std::size_t part = (size + 3) / 4;
            for (std::size_t first = 0; first < size; first += part, sizes += 2) {
                std::uint8_t* const begin = at;
                at = write_literals(literals.subspan(first, std::min(part, size - first)), literal_code_, at);
                if (first + part < size) {
                    store(sizes, static_cast<std::uint16_t>(at - begin));
                }
            }
            const auto coded = static_cast<std::uint64_t>(at - content);
            if (coded < size + (type == LiteralsType::coded ? literal_code_.description_size : 0) &&
                coded < std::size_t{1} << (4 * format + 6)) {
                const std::uint64_t header = static_cast<std::uint64_t>(type) |
                                             static_cast<std::uint64_t>(format) << 2 | size << 4 |
                                             coded << (4 * format + 10);
                std::memcpy(out, &header, static_cast<std::size_t>(header_size));
                literals_described_ = true;
                return at;
            }
        }
        const bool is_short = size < 1 << 12;
        store(out, static_cast<std::uint32_t>(size << 4 | (is_short ? 1 : 3) << 2));
        return std::ranges::copy(literals, out + (is_short ? 2 : 3)).out;
    }

    // The modes of the three tables, and the descriptions of those that no block before has.
    std::uint8_t* write_tables(std::uint8_t* out) {
        std::uint8_t* at = out + 1;
        unsigned modes = 0;
        for (const SequenceCode& code : codes_) {
            const bool repeated = code.mode == TableMode::described && tables_described_;
            modes = modes << 2 | static_cast<unsigned>(repeated ? TableMode::repeated : code.mode);
            if (!repeated) {
                at = std::copy_n(code.description.data(), code.description_size, at);
            }
        }
        tables_described_ = true;
        *out = static_cast<std::uint8_t>(modes << 2);
        return at;
    }

    HuffmanCode literal_code_;
    std::array<SequenceCode, 3> codes_;
    bool literals_described_ = false, tables_described_ = false;
};

}  // namespace

std::size_t zstd_small(const Runs& runs, std::span<std::uint8_t> out) {
    runs.check();
    if (std::ssize(out) < zstd_bound(runs) + zstd_small_room) {
        throw std::invalid_argument("there is no room for the blocks");
    }
    const Matches found(runs);
    BlockWriter writer(found);
    const std::uint8_t* literals = found.literals.get();
    const Sequence* sequences = found.sequences.get();
    std::uint8_t* at = out.data();
    std::int64_t done = 0;
    for (const FoundBlock& block : found.blocks) {
        const std::int64_t begin = found.runs[block.first].begin;
        at = write_rle_blocks(begin - done, runs.fill, at);
        done = found.runs[block.last].end;
        std::uint8_t* end = nullptr;
        if (block.literals + block.sequences > 0) {
            end = writer.write(done - begin, {literals, block.literals}, {sequences, block.sequences}, at);
            literals += block.literals;
            sequences += block.sequences;
        }
        if (end != nullptr) {
            at = end;
            continue;
        }
        for (std::int64_t run = block.first; run <= block.last; ++run) {
            const ByteRun& each = found.runs[run];
            at = write_rle_blocks(run > block.first ? each.begin - found.runs[run - 1].end : 0, runs.fill, at);
            at = write_raw_blocks(runs.values.data() + each.source, runs.values.data() + runs.values.size(),
                                  each.end - each.begin, at);
        }
    }
    return static_cast<std::size_t>(write_rle_blocks(runs.size * runs.itemsize - done, runs.fill, at) - out.data());
}

}  // namespace heatsvc
