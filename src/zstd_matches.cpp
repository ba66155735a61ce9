#include "zstd_matches.h"

#include <algorithm>
#include <bit>

#include "bytes.h"
#include "zstd_block.h"

namespace heatsvc {
namespace {

constexpr std::int64_t window = 256 << 10;  // the farthest that a sequence reaches back

// A round ends with the first block that brings it to one of these.
constexpr std::int64_t round_literals = 256 << 10, round_sequences = 8 << 10, round_blocks = 512;

constexpr std::int64_t shortest_gap = 8;  // bytes of fill that are worth a sequence; shorter ones are literals
constexpr std::int64_t long_gap = 2048;   // worth to be remembered as a store of fill

// A decoder copies 16 or 32 bytes at a time, and waits for its own copy where that has just been made.
constexpr std::int64_t near_pixels = 64;

// About what is won and lost, in bits.
constexpr std::int64_t literal_bits = 6, repeat_bits = 2, second_sequence_bits = 20, distance_bits = 18;
constexpr std::int64_t good = 36;  // enough to look no further
constexpr std::int64_t no_gain = -(1 << 30);

// Where the edges of so many gaps were nowhere the same, most of the next are only repeated from where the last one
// was: the mantissas of float32, as a rule. The hash decides which are looked up nevertheless, so that where something
// is repeated both are.
constexpr int max_misses = 64;
constexpr std::int64_t promising_bytes = 3;  // bytes of edges that say there is more to be had
constexpr std::uint64_t sample_mask = 7;     // one hash in eight

constexpr int hash_bits = 12;
constexpr int spare_bits = 3;  // of a hash, that say whether it is one of the few

std::uint64_t hash(std::uint64_t word, std::int64_t gap) {
    constexpr std::uint64_t prime = 0x9E3779B185EBCA87;
    return ((word * prime) ^ static_cast<std::uint64_t>(gap)) * prime >> (64 - hash_bits - spare_bits);
}

// How many of two words' first bytes are the same, at most 7, without a branch: it is anybody's guess how many are.
std::int64_t same_first(std::uint64_t a, std::uint64_t b) {
    return std::countr_zero((a ^ b) | std::uint64_t{1} << 56) >> 3;
}

std::int64_t same_last(std::uint64_t a, std::uint64_t b) { return std::countl_zero((a ^ b) | 0x80) >> 3; }

// How many bytes from here on are the same.
std::int64_t same_bytes(const std::uint8_t* a, const std::uint8_t* b, std::int64_t most) {
    std::int64_t n = 0;
    for (; n + 8 <= most; n += 8) {
        const std::uint64_t different = load<std::uint64_t>(a + n) ^ load<std::uint64_t>(b + n);
        if (different != 0) {
            return n + (std::countr_zero(different) >> 3);
        }
    }
    while (n < most && a[n] == b[n]) {
        ++n;
    }
    return n;
}

}  // namespace

MatchFinder::MatchFinder(const Runs& runs)
    : values_(runs.values),
      fill_(runs.fill),
      near_(near_pixels * runs.itemsize),
      last_(std::ssize(runs.starts) + 1),
      far_(1 << hash_bits),
      close_(1 << hash_bits) {
    const std::int64_t count = std::ssize(runs.starts), size = runs.size * runs.itemsize;
    runs_.reserve(static_cast<std::size_t>(count + 2));
    runs_.push_back({0, 0, 0});
    std::int64_t source = 0;
    for (std::int64_t run = 0; run < count; ++run) {
        const std::int64_t begin = runs.starts[run] * runs.itemsize, bytes = runs.lengths[run] * runs.itemsize;
        runs_.push_back({begin, begin + bytes, source});
        source += bytes;
    }
    runs_.push_back({size, size, source});
    // All of a round: what there is before the last block, and a whole block of shortest gaps. 32 bytes are room to
    // copy.
    const std::int64_t literals = std::min(round_literals + block_size, size) + copied_at_once;
    const std::int64_t sequences = std::min(round_sequences + 2 * (block_size / shortest_gap) + 2, 2 * count);
    const std::int64_t blocks = std::min(round_blocks, count + size / block_size + 2);
    literals_ = std::make_unique_for_overwrite<std::uint8_t[]>(static_cast<std::size_t>(literals));
    sequences_ = std::make_unique_for_overwrite<Sequence[]>(static_cast<std::size_t>(sequences));
    blocks_ = std::make_unique_for_overwrite<FoundBlock[]>(static_cast<std::size_t>(blocks));
}

Round MatchFinder::find() {
    block_count_ = literal_count_ = sequence_count_ = 0;
    misses_left_ = max_misses;
    while (position_ < runs_[last_].end && block_count_ < round_blocks && literal_count_ < round_literals &&
           sequence_count_ < round_sequences) {
        find_block();
    }
    return {{blocks_.get(), static_cast<std::size_t>(block_count_)},
            {literals_.get(), static_cast<std::size_t>(literal_count_)},
            {sequences_.get(), static_cast<std::size_t>(sequence_count_)}};
}

void MatchFinder::find_block() {
    while (run_ < last_ && runs_[run_].end <= position_) {
        ++run_;
    }
    std::int64_t before = std::max<std::int64_t>(runs_[run_].begin - position_, 0);
    if (before >= shortest_gap || run_ == last_) {
        store_ = position_, store_end_ = position_ + before, store_run_ = run_;
        position_ += before;
    } else {
        before = 0;
    }
    const std::int64_t start = position_, first = run_, literals = literal_count_, sequences = sequence_count_;
    const auto repeats = repeats_;
    limit_ = std::min(start + block_size, runs_[last_].end);
    pending_literals_ = 0;
    if (position_ < runs_[run_].begin) {
        add_fill(runs_[run_].begin - position_);
    }
    while (run_ < last_) {
        // In the run, or at its end.
        add_run(std::min(runs_[run_].end, limit_) - position_);
        if (position_ < runs_[run_].end || run_ + 1 == last_) {
            break;
        }
        const std::int64_t gap = runs_[run_ + 1].begin - position_;
        if (position_ + gap > limit_) {
            break;
        }
        ++run_;
        if (gap < shortest_gap) {
            add_fill(gap);
        } else {
            add_gap(gap);
        }
    }
    // A compressed block has to be smaller than what it stands for (3.1.1.2.3): with the predefined tables and literals
    // as they are it has 9 bytes a sequence at the most, and 16 more.
    if (sequence_count_ > sequences &&
        literal_count_ - literals + 9 * (sequence_count_ - sequences) + 16 >= position_ - start) {
        repeats_ = repeats;
        sequence_count_ = sequences;
        literal_count_ = literals;
        add_dense(first, start, position_);
    }
    blocks_[block_count_++] = {before, position_ - start, literal_count_ - literals, sequence_count_ - sequences};
}

void MatchFinder::add_run(std::int64_t size) {
    const Run& run = runs_[run_];
    copy(values_.data() + run.source + position_ - run.begin, values_.data() + values_.size(), size,
         literals_.get() + literal_count_);
    literal_count_ += size, pending_literals_ += size, position_ += size;
}

void MatchFinder::add_fill(std::int64_t size) {
    std::fill_n(literals_.get() + literal_count_, size, fill_);
    literal_count_ += size, pending_literals_ += size, position_ += size;
}

void MatchFinder::add_dense(std::int64_t run, std::int64_t start, std::int64_t stop) {
    for (std::int64_t at = start, end; at < stop; at = end) {
        while (runs_[run].end <= at && run < last_) {
            ++run;
        }
        std::uint8_t* const out = literals_.get() + literal_count_ + at - start;
        if (at < runs_[run].begin) {
            end = std::min(runs_[run].begin, stop);
            std::fill_n(out, end - at, fill_);
        } else {
            end = std::min(runs_[run].end, stop);
            std::copy_n(values_.data() + runs_[run].source + at - runs_[run].begin, end - at, out);
        }
    }
    literal_count_ += stop - start;
}

void MatchFinder::add_gap(std::int64_t gap) {
    Match match = best_match(gap);
    if (match.back + match.length >= gap + promising_bytes) {
        misses_left_ = max_misses;
    }
    if (match.gain_bits == no_gain) {
        match.from = {std::min(position_ - store_, window), store_run_};
        match.length = gap;
        const std::int64_t room = store_end_ - position_ + match.from.distance;
        if (store_end_ == store_ || room < gap) {
            match.length = near_;
            if (store_end_ == store_ || room < near_ || gap < 2 * near_) {
                // One byte of fill, which then is repeated.
                add_fill(1);
                --gap;
                match.from = {1, run_};
                match.length = gap < 2 * near_ ? gap : near_;
            }
        }
    }
    if (gap >= long_gap || gap >= store_end_ - store_ || position_ - store_end_ > window / 4) {
        store_ = position_, store_end_ = position_ + gap, store_run_ = run_;
    }
    literal_count_ -= match.back, pending_literals_ -= match.back, position_ -= match.back;
    add_sequence(match.from, match.back + match.length);
    run_ = match.end;
    if (position_ < runs_[run_].begin) {
        // The rest of a gap: what stands just before is fill.
        add_sequence({near_, run_}, runs_[run_].begin - position_);
    }
}

MatchFinder::Match MatchFinder::best_match(std::int64_t gap) {
    Match best{.gain_bits = no_gain, .end = run_};
    const std::uint8_t* const values = values_.data();
    const std::int64_t size = std::ssize(values_), own_source = runs_[run_].source;
    const bool inside = own_source >= 8 && own_source + 8 <= size;
    std::array<std::int64_t, 2> looked_up{};
    bool eager = false;
    std::uint64_t bytes_before = 0, bytes_after = 0;  // what stands before the gap and after it
    if (inside) {
        bytes_before = load<std::uint64_t>(values + own_source - 8),
        bytes_after = load<std::uint64_t>(values + own_source);
        // With three bytes on either side, and with one.
        const std::uint64_t far = hash(bytes_before >> 40 | bytes_after << 40, gap),
                            close = hash(bytes_before >> 56 | bytes_after << 56, gap);
        eager = misses_left_ > 0 || (far & sample_mask) == 0;
        if (eager) {
            looked_up = {far_[far >> spare_bits], close_[close >> spare_bits]};
            far_[far >> spare_bits] = close_[close >> spare_bits] = static_cast<std::uint32_t>(run_);
        }
    }
    --misses_left_;
    for (int k = 0; k < 5; ++k) {
        if (k > 0 && best.gain_bits > no_gain && (best.gain_bits >= good || !eager)) {
            break;
        }
        Repeat from;
        if (k < 3) {
            from = repeats_[k];
            if (from.distance == 0 || (k == 0 && pending_literals_ == 0)) {
                continue;
            }
        } else {
            from.run = looked_up[k - 3];
            if (from.run == 0) {
                continue;
            }
            const std::int64_t end = runs_[from.run - 1].end;
            from.distance = position_ - end;
            if (from.distance > window || runs_[from.run].begin - end != gap ||
                std::ranges::any_of(repeats_, [&](const Repeat& repeat) { return repeat.distance == from.distance; })) {
                continue;
            }
        }
        const std::int64_t place = position_ - from.distance;
        while (runs_[from.run].begin <= place) {
            ++from.run;
        }
        if (k < 3) {
            repeats_[k].run = from.run;
        }
        const Run &own = runs_[run_], &other = runs_[from.run], &before = runs_[from.run - 1];
        const std::int64_t room = other.begin - place;
        if (before.end > place || (room < gap && (room < near_ || gap < 2 * near_))) {
            continue;
        }
        Match match{k > 2 ? -distance_bits : k > 0 ? -repeat_bits : 0, from, 0, room < gap ? near_ : gap, run_};
        if (room < gap) {
            match.gain_bits -= second_sequence_bits;
        }
        if (inside && other.source >= 8 && other.source + 8 <= size) {
            if (before.end == place) {
                const std::int64_t most =
                    std::min({pending_literals_, position_ - runs_[run_ - 1].begin, before.end - before.begin});
                match.back = std::min(same_last(bytes_before, load<std::uint64_t>(values + other.source - 8)), most);
                if (match.back == 7) {
                    while (match.back < most &&
                           values[own_source - match.back - 1] == values[other.source - match.back - 1]) {
                        ++match.back;
                    }
                }
                match.gain_bits += literal_bits * match.back;
            }
            if (room == gap) {
                const std::int64_t rest = limit_ - position_ - gap, run_size = own.end - own.begin;
                std::int64_t same = std::min({same_first(bytes_after, load<std::uint64_t>(values + other.source)),
                                              run_size, other.end - other.begin, rest});
                if (same == run_size || same == 7) {
                    same = same_from(match.end, from.run, rest);
                }
                match.length += same;
                match.gain_bits += literal_bits * same;
            }
        }
        if (match.gain_bits > best.gain_bits) {
            best = match;
        }
    }
    return best;
}

std::int64_t MatchFinder::same_from(std::int64_t& run, std::int64_t other, std::int64_t most) const {
    for (std::int64_t same = 0;; ++other) {
        const Run &a = runs_[run], &b = runs_[other];
        const std::int64_t a_size = a.end - a.begin, b_size = b.end - b.begin;
        const std::int64_t n =
            same_bytes(values_.data() + a.source, values_.data() + b.source, std::min({a_size, b_size, most - same}));
        same += n;
        if (n < a_size || a_size != b_size || run + 1 == last_) {
            return same;
        }
        const std::int64_t gap = runs_[run + 1].begin - a.end, other_gap = runs_[other + 1].begin - b.end;
        if (same + gap > most) {
            return same;
        }
        if (other_gap < gap) {
            if (other_gap < near_ || gap - other_gap < shortest_gap) {
                return same;
            }
            ++run;
            return same + other_gap;
        }
        same += gap;
        ++run;
        if (other_gap > gap) {
            return same;
        }
    }
}

void MatchFinder::add_sequence(Repeat from, std::int64_t length) {
    auto& [first, second, third] = repeats_;
    // 1 to 3 stand for the last three distances, without literals for the second, the third and another.
    const bool repeated = pending_literals_ > 0 && from.distance == first.distance;
    std::int64_t offset = pending_literals_ > 0 ? 1 : 0;
    if (repeated) {
    } else if (from.distance == second.distance) {
        offset += 1;
        second = first, first = from;
    } else {
        offset = from.distance == third.distance ? offset + 2 : from.distance + 3;
        third = second, second = first, first = from;
    }
    sequences_[sequence_count_++] = {static_cast<std::int32_t>(pending_literals_), static_cast<std::int32_t>(offset),
                                     static_cast<std::int32_t>(length)};
    position_ += length;
    pending_literals_ = 0;
}

}  // namespace heatsvc
