#include "zstd_matches.h"

#include <algorithm>
#include <array>
#include <bit>
#include <span>
#include <tuple>
#include <utility>

#include "bytes.h"
#include "zstd_block.h"

namespace heatsvc {
namespace {

constexpr std::int64_t window = 256 << 10;  // the farthest that a sequence reaches back
constexpr std::int64_t min_gap = 8;         // bytes of fill that are worth a sequence; shorter ones are literals
constexpr std::int64_t long_gap = 2048;     // stored, so that later gaps can repeat it
// A decoder copies 16 or 32 bytes at a time, and waits where those have just been written.
constexpr std::int64_t near_pixels = 64;

// Approximate gains and losses, in bits.
constexpr std::int64_t literal_bits = 6, repeat_bits = 2, second_sequence_bits = 20, distance_bits = 18;
constexpr std::int64_t good = 60;  // enough to stop searching

constexpr int hash_bits = 12;

// Bytes that a block has at most beside its literals and sequences: headers, and descriptions of tables.
constexpr std::int64_t block_extra = 400;

std::uint64_t hash(std::uint64_t bytes_before, std::uint64_t bytes_after, std::int64_t gap) {
    const std::uint64_t mixed = (bytes_before | bytes_after) + (static_cast<std::uint64_t>(gap) << 48);
    return mixed * 0x9E3779B185EBCA87 >> (64 - hash_bits);
}

// How many of two words' first or last bytes are the same, at most 7, without a branch.
std::int64_t same_first(std::uint64_t a, std::uint64_t b) {
    return std::countr_zero((a ^ b) | std::uint64_t{1} << 56) >> 3;
}

std::int64_t same_last(std::uint64_t a, std::uint64_t b) { return std::countl_zero((a ^ b) | 0x80) >> 3; }

// Number of equal bytes from here on.
std::int64_t same_bytes(const std::uint8_t* a, const std::uint8_t* b, std::int64_t max_same) {
    std::int64_t n = 0;
    while (n + 8 <= max_same && load<std::uint64_t>(a + n) == load<std::uint64_t>(b + n)) {
        n += 8;
    }
    while (n < max_same && a[n] == b[n]) {
        ++n;
    }
    return n;
}

// The bytes of sequences, at most, whatever their tables are.
std::int64_t max_bytes(std::span<const Sequence> sequences) {
    const auto bits = [](std::int32_t number) { return std::bit_width(static_cast<std::uint32_t>(number)); };
    std::int64_t sum = 0;
    for (const auto& [literal_length, offset_value, match_length] : sequences) {
        sum += 3 * fse_max_log + bits(literal_length) + bits(offset_value) + bits(match_length);
    }
    return sum / 8;
}

// A distance, and the first run that begins after the place so far back.
struct Repeat {
    std::int64_t distance = 0, run = 0;
};

// What a gap may be a repetition of; none without a length.
struct Match {
    std::int64_t gain_bits;
    Repeat from{};
    std::int64_t before = 0;  // bytes before the gap that are the same too
    std::int64_t length = 0;  // bytes from the gap's start on that are
    std::int64_t end = 0;     // the run in or before which they end
};

class Finder {
  public:
    Finder(const Runs& runs, Matches& found)
        : found_(found),
          runs_(found.runs.data()),
          values_(runs.values),
          fill_(runs.fill),
          near_(near_pixels * runs.itemsize),
          hashes_(runs.itemsize <= 2 ? 2 : 1) {}

    void find_block(std::int64_t first, std::int64_t last) {
        const std::size_t literals = found_.literal_count, sequences = found_.sequence_count;
        const auto repeats = repeats_;
        position_ = runs_[first - 1].end;
        keep_gap(runs_[first].begin - position_, first);
        position_ = runs_[first].begin;
        run_ = first, last_ = last, pending_ = 0;
        while (true) {
            const ByteRun& run = runs_[run_];
            const std::int64_t size = run.end - position_;
            copy(values_.data() + run.source + position_ - run.begin, values_.data() + values_.size(), size,
                 found_.literals.get() + found_.literal_count);
            count_literals(size);
            if (run_ == last) {
                break;
            }
            const std::int64_t gap = runs_[++run_].begin - position_;
            if (gap < min_gap) {
                add_fill(gap);
            } else {
                add_gap(gap);
            }
        }
        FoundBlock block{first, last, found_.literal_count - literals, found_.sequence_count - sequences};
        const std::int64_t max_size = static_cast<std::int64_t>(block.literals) + block_extra +
                                      max_bytes({&found_.sequences[sequences], block.sequences});
        if (block.sequences > 0 && max_size >= position_ - runs_[first].begin) {
            repeats_ = repeats;
            found_.literal_count = literals, found_.sequence_count = sequences;
            block.literals = block.sequences = 0;
        }
        found_.blocks.push_back(block);
    }

  private:
    void count_literals(std::int64_t size) {
        found_.literal_count += static_cast<std::size_t>(size);
        pending_ += size, position_ += size;
    }

    void add_fill(std::int64_t size) {
        std::fill_n(found_.literals.get() + found_.literal_count, size, fill_);
        count_literals(size);
    }

    // Keep this gap if it is long, at least as long as the kept one, or the kept one is far behind.
    void keep_gap(std::int64_t size, std::int64_t run) {
        if (size >= std::min(kept_size_, long_gap) || position_ - kept_ - kept_size_ > window / 4) {
            kept_ = position_, kept_size_ = size, kept_run_ = run;
        }
    }

    void add_gap(std::int64_t gap) {
        Match match = best_match(gap);
        keep_gap(gap, run_);
        if (match.length == 0) {
            // One byte of fill, which is repeated.
            add_fill(1);
            match = {0, {1, run_}, 0, gap - 1, run_};
        }
        found_.literal_count -= static_cast<std::size_t>(match.before);
        pending_ -= match.before, position_ -= match.before;
        add_sequence(match.from, match.before + match.length);
        run_ = match.end;
        if (position_ < runs_[run_].begin) {
            // The rest of a gap: what is just before is fill.
            add_sequence({near_, run_}, runs_[run_].begin - position_);
        }
    }

    Match best_match(std::int64_t gap) {
        Match best{.gain_bits = -1 << 30};
        const std::int64_t source = runs_[run_].source;
        has_edges_ = source >= 8 && source + 8 <= std::ssize(values_);
        if (has_edges_) {
            edge_before_ = load<std::uint64_t>(&values_[source - 8]);
            edge_after_ = load<std::uint64_t>(&values_[source]);
        }
        for (std::size_t k = 0; k < repeats_.size() && best.gain_bits < good; ++k) {
            if (repeats_[k].distance > 0 && (k > 0 || pending_ > 0)) {
                consider(repeats_[k], k > 0 ? -repeat_bits : 0, gap, best);
            }
        }
        if (has_edges_ && best.gain_bits < good) {
            // The last gap with the same three bytes on either side, and with the same one.
            for (std::size_t k = 0; k < hashes_; ++k) {
                const int unused = k == 0 ? 40 : 56;
                const std::int64_t run = std::exchange(
                    last_runs_[(k << hash_bits) + hash(edge_before_ >> unused, edge_after_ << unused, gap)],
                    static_cast<std::uint32_t>(run_));
                Repeat from{position_ - runs_[run - 1].end, run};
                const auto is_its_distance = [&](const Repeat& repeat) { return repeat.distance == from.distance; };
                if (best.gain_bits < good && from.distance <= window && runs_[run].begin - runs_[run - 1].end == gap &&
                    std::ranges::none_of(repeats_, is_its_distance)) {
                    consider(from, -distance_bits, gap, best);
                }
            }
        }
        if (best.length == 0 && kept_size_ > 0) {
            Repeat from{std::min(position_ - kept_, window), kept_run_};
            consider(from, -distance_bits, gap, best);
        }
        return best;
    }

    // Choose a repetition of a gap, or of its first pixels, as the best one if its gain is larger.
    void consider(Repeat& from, std::int64_t gain_bits, std::int64_t gap, Match& best) {
        const std::int64_t place = position_ - from.distance;
        while (runs_[from.run].begin <= place) {
            ++from.run;
        }
        const ByteRun &own = runs_[run_], &before = runs_[from.run - 1], &after = runs_[from.run];
        const std::int64_t room = after.begin - place;
        const bool whole = room >= gap;
        if (before.end > place || (!whole && (room < near_ || gap < 2 * near_))) {
            return;
        }
        std::int64_t same_before = 0, same_after = 0, end = run_;
        if (has_edges_ && after.source >= 8 && after.source + 8 <= std::ssize(values_)) {
            if (before.end == place) {
                same_before = std::min({same_last(edge_before_, load<std::uint64_t>(&values_[after.source - 8])),
                                        pending_, position_ - runs_[run_ - 1].begin, before.end - before.begin});
            }
            if (room == gap) {
                const std::int64_t size = own.end - own.begin;
                same_after = std::min({same_first(edge_after_, load<std::uint64_t>(&values_[after.source])), size,
                                       after.end - after.begin});
                if (same_after == size || same_after == 7) {
                    std::tie(same_after, end) = same_from(from.run);
                }
            }
        }
        gain_bits += literal_bits * (same_before + same_after) - (whole ? 0 : second_sequence_bits);
        if (gain_bits > best.gain_bits) {
            best = {gain_bits, from, same_before, whole ? gap + same_after : near_, end};
        }
    }

    // How many bytes from the gap's end on are the same as from another run on, runs and gaps, within the block; and
    // the run in or before which they end.
    std::tuple<std::int64_t, std::int64_t> same_from(std::int64_t other) const {
        std::int64_t same = 0, run = run_;
        for (;; ++other) {
            const ByteRun &a = runs_[run], &b = runs_[other];
            const std::int64_t a_size = a.end - a.begin, b_size = b.end - b.begin;
            const std::int64_t n = same_bytes(&values_[a.source], &values_[b.source], std::min(a_size, b_size));
            same += n;
            if (n < a_size || a_size != b_size || run == last_) {
                return {same, run};
            }
            const std::int64_t gap = runs_[run + 1].begin - a.end, other_gap = runs_[other + 1].begin - b.end;
            if (other_gap < gap) {
                return {same, run};
            }
            same += gap;
            ++run;
            if (other_gap > gap) {
                return {same, run};
            }
        }
    }

    // Add a sequence of the literals since the last one, and of a match.
    void add_sequence(Repeat from, std::int64_t length) {
        auto& [first, second, third] = repeats_;
        // Offsets 1 to 3 are the last three distances; without literals 1 and 2 are the second and third (3.1.1.5).
        std::int64_t offset = pending_ > 0 ? 1 : 0;
        if (pending_ > 0 && from.distance == first.distance) {
            // the order stays
        } else if (from.distance == second.distance) {
            offset += 1;
            second = first, first = from;
        } else {
            offset = from.distance == third.distance ? offset + 2 : from.distance + 3;
            third = second, second = first, first = from;
        }
        found_.sequences[found_.sequence_count++] = {
            static_cast<std::int32_t>(pending_), static_cast<std::int32_t>(offset), static_cast<std::int32_t>(length)};
        position_ += length;
        pending_ = 0;
    }

    Matches& found_;
    const ByteRun* runs_;
    std::span<const std::uint8_t> values_;
    std::uint8_t fill_;
    std::int64_t near_;
    std::size_t hashes_;  // 1 for float32, since a single byte of it says too little

    std::int64_t position_ = 0, run_ = 1, last_ = 1;  // the run in or before which the position is; the block's last
    std::int64_t pending_ = 0;                        // literals since the last sequence
    std::array<Repeat, 3> repeats_;                   // the distances of the last sequences
    std::int64_t kept_ = 0, kept_size_ = 0, kept_run_ = 1;  // a gap, and the run after it
    // The run after the last gap of each hash.
    std::vector<std::uint32_t> last_runs_ = std::vector<std::uint32_t>(2 << hash_bits, 1);
    // The eight bytes on either side of the gap here, unless they are too near to the ends of all values.
    bool has_edges_ = false;
    std::uint64_t edge_before_ = 0, edge_after_ = 0;
};

}  // namespace

Matches::Matches(const Runs& given) {
    const std::size_t count = given.starts.size();
    const std::int64_t size = given.size * given.itemsize;
    runs.reserve(count + given.values.size() / block_size + 2);
    runs.push_back({0, 0, 0});
    std::int64_t source = 0;
    for (std::size_t run = 0; run < count; ++run) {
        std::int64_t begin = given.starts[run] * given.itemsize;
        for (std::int64_t left = given.lengths[run] * given.itemsize, part; left > 0; left -= part) {
            part = std::min(left, block_size);
            runs.push_back({begin, begin + part, source});
            begin += part, source += part;
        }
    }
    runs.push_back({size, size, source});
    // At most 7 bytes of a gap are literals, and it has at most two sequences.
    literals = std::make_unique_for_overwrite<std::uint8_t[]>(given.values.size() + 7 * runs.size() + copied_at_once);
    sequences = std::make_unique_for_overwrite<Sequence[]>(2 * runs.size());
    Finder finder(given, *this);
    for (std::int64_t first = 1, last; first < std::ssize(runs) - 1; first = last + 1) {
        for (last = first; last < std::ssize(runs) - 2 && runs[last + 1].end - runs[first].begin <= block_size;) {
            ++last;
        }
        finder.find_block(first, last);
    }
}

}  // namespace heatsvc
