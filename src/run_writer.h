// Writes pixels above a threshold as runs.
#pragma once

#include <algorithm>
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

    // Whether there is room for so many more runs with so many pixels in all.
    bool has_room(std::int64_t runs, std::int64_t pixels) const {
        return runs_ + runs <= std::ssize(starts_) && count_ + pixels + runs * gap_ <= std::ssize(values_);
    }

    // Numbers that can be written after those written so far.
    std::int64_t room() const { return std::ssize(values_) - count_; }

    // Whether a run that begins at pixel `at` would be separate from the last one.
    bool is_apart(std::int64_t at) const { return at - end_ >= gap_; }

    // Whether no fill would be written before the pixels of a row that begins at pixel `at`.
    bool needs_no_fill(std::int64_t at) const { return is_apart(at) || at == end_; }

    // Where the pixels of such a row are written.
    float* next() { return values_.data() + count_; }

    // Add a run of its own in each of `rows` rows, the first from pixel `at` on, the next ones `stride` pixels
    // further each; returns where their pixels are to be written, one row after the other.
    float* add_block(std::int64_t at, std::int64_t stride, std::int64_t rows, std::int64_t size) {
        std::int64_t *starts = starts_.data() + runs_, *lengths = lengths_.data() + runs_;
        for (std::int64_t row = 0; row < rows; ++row) {
            starts[row] = at + row * stride;
            lengths[row] = size;
        }
        runs_ += rows;
        end_ = at + (rows - 1) * stride + size;
        return values_.data() + std::exchange(count_, count_ + rows * size);
    }

    // Add the pixels of a row from pixel `at` on, to the last run if that is near. There must be room for them.
    // Eight numbers are copied at once, so 7 more after the row are read, and written where there is room.
    // A row that `needs_no_fill` may itself be at `next` or after it.
    void add(std::int64_t at, const float* row, std::int64_t size) {
        std::int64_t fills = 0;
        if (is_apart(at)) {
            starts_[static_cast<std::size_t>(runs_)] = at;
            lengths_[static_cast<std::size_t>(runs_++)] = size;
        } else {
            fills = at - end_;
            std::fill_n(values_.data() + count_, fills, fill_);
            lengths_[static_cast<std::size_t>(runs_ - 1)] += fills + size;
        }
        end_ = at + size;
        float* out = values_.data() + count_ + fills;
        count_ += fills + size;
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
    std::int64_t pixels() const { return count_; }

  private:
    std::span<std::int64_t> starts_, lengths_;
    std::span<float> values_;
    std::int64_t gap_, end_;
    std::int64_t runs_ = 0, count_ = 0;
    float fill_;
};

}  // namespace heatsvc::HEATSVC_INSTRUCTION_SET
