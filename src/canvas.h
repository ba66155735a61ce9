// The canvas of one map, into which several primitives are merged, by maximum or as a sum.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "run_writer.h"

namespace heatsvc::HEATSVC_INSTRUCTION_SET {

class Canvas {
  public:
    // with_channels: store the channel that gave each pixel its value, the lowest of equals.
    Canvas(std::int64_t height, std::int64_t width, bool with_channels)
        : width_(width),
          pixels_(static_cast<std::size_t>(height * width + 7)),  // RunWriter reads 7 more
          channels_(with_channels ? pixels_.size() : 0),
          touched_(static_cast<std::size_t>(height), untouched) {}

    // Merge a row's pixels from column `start` on.
    void merge(std::int64_t y, std::int64_t start, std::int64_t size, const float* __restrict row,
               std::int32_t channel) {
        float* __restrict pixels = touch(y, start, size);
        if (!channels_.empty()) {
            std::int32_t* __restrict channels = channels_.data() + y * width_ + start;
            for (std::int64_t i = 0; i < size; ++i) {
                channels[i] = row[i] > pixels[i] ? channel : channels[i];
            }
        }
        for (std::int64_t i = 0; i < size; ++i) {
            pixels[i] = row[i] > pixels[i] ? row[i] : pixels[i];
        }
    }

    // Add a row's pixels from column `start` on; a sum above 1 is cut to 1.
    void add(std::int64_t y, std::int64_t start, std::int64_t size, const float* __restrict row);

    // Merge all pixels into another canvas of this size, and clear this one.
    void move_to(Canvas& other, std::int32_t channel);

    // Write the pixels above `cut` as runs, or their channels if these are stored, and clear the canvas.
    // base: the number of the map's first pixel. fill: the channel of zeros. Returns whether there was room for all.
    bool flush(std::int64_t base, float cut, std::int64_t gap, float fill, RunWriter& writer) {
        for (std::int64_t y = top_; y < bottom_; ++y) {
            const auto [first, last] = std::exchange(touched_[static_cast<std::size_t>(y)], untouched);
            if (first >= last) {
                continue;
            }
            float* row = pixels_.data() + y * width_;
            TrimmedRow rest(row + first, row + last, cut);
            while (rest.first < rest.last) {
                const float* end = first_hole(rest, cut, gap);
                const std::int64_t size = end - rest.first;
                if (!writer.has_room(1, size)) {
                    return false;
                }
                const std::int64_t at = rest.first - pixels_.data();
                if (!channels_.empty()) {
                    for (std::int64_t i = at; i < at + size; ++i) {
                        const auto pixel = static_cast<std::size_t>(i);
                        pixels_[pixel] = pixels_[pixel] > 0.0F ? static_cast<float>(channels_[pixel]) : fill;
                    }
                }
                writer.add(base + at, rest.first, size);
                rest = TrimmedRow(end, rest.last, cut);
            }
            std::fill(row + first, row + last, 0.0F);
        }
        top_ = std::numeric_limits<std::int64_t>::max();
        bottom_ = 0;
        return true;
    }

  private:
    struct Columns {
        std::int64_t first, last;
    };
    static constexpr Columns untouched{std::numeric_limits<std::int64_t>::max(), 0};

    // Mark a row's pixels from column `start` on as touched; return the first.
    float* touch(std::int64_t y, std::int64_t start, std::int64_t size) {
        if (size > 0) {
            Columns& touched = touched_[static_cast<std::size_t>(y)];
            touched = {std::min(touched.first, start), std::max(touched.last, start + size)};
            top_ = std::min(top_, y);
            bottom_ = std::max(bottom_, y + 1);
        }
        return pixels_.data() + y * width_ + start;
    }

    // Whether all of eight pixels are above `cut`.
    static bool all_above(const float* pixels, float cut) {
        bool all = true;
        for (std::int64_t i = 0; i < 8; ++i) {
            all &= pixels[i] > cut;
        }
        return all;
    }

    // Position of the first `gap` consecutive pixels that are not above `cut`, as between two persons or limbs.
    static const float* first_hole(const TrimmedRow& part, float cut, std::int64_t gap) {
        std::int64_t under = 0;
        for (const float* pixel = part.first; pixel < part.last; ++pixel) {
            while (part.last - pixel > 8 && all_above(pixel, cut)) {
                pixel += 8;
                under = 0;
            }
            under = *pixel > cut ? 0 : under + 1;
            if (under == gap) {
                return pixel + 1 - gap;
            }
        }
        return part.last;
    }

    std::int64_t width_;
    std::vector<float> pixels_;
    std::vector<std::int32_t> channels_;
    std::vector<Columns> touched_;
    std::int64_t top_ = std::numeric_limits<std::int64_t>::max(), bottom_ = 0;
};

}  // namespace heatsvc::HEATSVC_INSTRUCTION_SET
