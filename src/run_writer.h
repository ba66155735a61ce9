// Pixels above a threshold, written down as runs.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <utility>

namespace heatsvc::HEATSVC_INSTRUCTION_SET {

// The pixels first up to last, less the ends that are not above `cut`.
struct TrimmedRow {
    const float* first;
    const float* last;

    TrimmedRow(const float* begin, const float* end, float cut) : first(begin), last(end) {
        while (first < last && !(*first > cut)) {
            ++first;
        }
        while (last > first && !(last[-1] > cut)) {
            --last;
        }
    }
    std::int64_t size() const { return last - first; }
};

// Writes runs in ascending order; those with fewer than `gap` pixels between them are joined.
class RunWriter {
  public:
    // starts, lengths: take each run's first pixel and length. values: takes the pixels of all. fill: for gaps.
    RunWriter(std::span<std::int64_t> starts, std::span<std::int64_t> lengths, std::span<float> values,
              std::int64_t gap, float fill)
        : starts_(starts), lengths_(lengths), values_(values), gap_(gap), end_(-gap), fill_(fill) {}

    // Whether there is room for so many runs more, and so many pixels in all of them.
    bool has_room(std::int64_t runs, std::int64_t pixels) const {
        return runs_ + runs <= std::ssize(starts_) && count_ + pixels + runs * gap_ <= std::ssize(values_);
    }

    // Numbers that can be written after those written so far.
    std::int64_t room() const { return std::ssize(values_) - count_; }

    // Whether a run that begins at pixel `at` would be one of its own.
    bool is_apart(std::int64_t at) const { return at - end_ >= gap_; }

    // Add a run of its own from number `at` on; returns where its pixels are to be written.
    float* add_apart(std::int64_t at, std::int64_t size) {
        starts_[static_cast<std::size_t>(runs_)] = at;
        lengths_[static_cast<std::size_t>(runs_++)] = size;
        end_ = at + size;
        return values_.data() + std::exchange(count_, count_ + size);
    }

    // Where the pixels of a run of its own will be written.
    float* next() { return values_.data() + count_; }

    // Add the pixels of a row from number `at` on, to the last run where that is near. There must be room for them.
    // Eight numbers are copied at once, so 7 more after the row are read, and written where there is room.
    // A row that is_apart may itself be at `next` or after it.
    void add(std::int64_t at, const float* row, std::int64_t size) {
        float* out;
        if (runs_ == 0 || is_apart(at)) {
            out = add_apart(at, size);
        } else {
            for (std::int64_t i = 0; i < at - end_; ++i) {
                values_[static_cast<std::size_t>(count_ + i)] = fill_;
            }
            lengths_[static_cast<std::size_t>(runs_ - 1)] += at - end_ + size;
            count_ += at - end_;
            out = values_.data() + std::exchange(count_, count_ + size);
            end_ = at + size;
        }
        if (out == row) {
            return;
        }
        if (room() < 7 || (std::less<>{}(out, row) && std::less<>{}(row, out + 8))) {
            std::memmove(out, row, static_cast<std::size_t>(size) * sizeof(float));
            return;
        }
        for (std::int64_t i = 0; i < size; i += 8) {
            std::memcpy(out + i, row + i, 8 * sizeof(float));
        }
    }

    std::int64_t runs() const { return runs_; }
    std::int64_t count() const { return count_; }

  private:
    std::span<std::int64_t> starts_, lengths_;
    std::span<float> values_;
    std::int64_t gap_, end_;
    std::int64_t runs_ = 0, count_ = 0;
    float fill_;
};

}  // namespace heatsvc::HEATSVC_INSTRUCTION_SET
