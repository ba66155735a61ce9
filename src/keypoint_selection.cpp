#include "keypoint_selection.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace heatsvc {
namespace {

static_assert(std::numeric_limits<float>::is_iec559);

constexpr std::uint32_t max_float = 0x7F7FFFFF, max_half = 0x477FE000;  // bits of float32
constexpr std::size_t max_bins = 1 << 20;                               // a float holds each of their numbers

bool is_finite(float number) { return (std::bit_cast<std::uint32_t>(number) & 0x7F800000) != 0x7F800000; }

// Whether all numbers are at most this large; NaN is not.
bool all_within(std::span<const float> numbers, std::uint32_t max_bits) {
    std::uint32_t top_bits = 0;
    for (const float number : numbers) {
        top_bits |= (std::bit_cast<std::uint32_t>(number) & 0x7FFFFFFF) + (0x7FFFFFFF - max_bits);
    }
    return top_bits >> 31 == 0;
}

template <std::size_t columns, typename Number>
bool split(const Number* numbers, std::span<float> keypoint, std::span<float> score) {
    std::uint32_t non_finite = 0;
    for (std::size_t i = 0; i < score.size(); ++i, numbers += columns) {
        const auto x = static_cast<float>(numbers[0]), y = static_cast<float>(numbers[1]);
        const float s = columns == 3 ? static_cast<float>(numbers[columns - 1]) : 1.0F;
        keypoint[2 * i] = x;
        keypoint[2 * i + 1] = y;
        score[i] = s;
        non_finite |= std::uint32_t{!is_finite(x)} | std::uint32_t{!is_finite(y)} | std::uint32_t{!is_finite(s)};
    }
    return non_finite == 0;
}

}  // namespace

template <typename Number>
bool split_keypoints(std::span<const Number> numbers, std::span<float> keypoint, std::span<float> score) {
    const std::size_t count = score.size();
    if (keypoint.size() != 2 * count || (numbers.size() != 2 * count && numbers.size() != 3 * count)) {
        throw std::invalid_argument("a point has two or three numbers");
    }
    if (numbers.size() == 2 * count ? split<2>(numbers.data(), keypoint, score)
                                    : split<3>(numbers.data(), keypoint, score)) {
        return true;
    }
    bool infinite = false;
    for (std::size_t i = 0; i < count; ++i) {
        float &x = keypoint[2 * i], &y = keypoint[2 * i + 1], &s = score[i];
        if (std::isinf(x) || std::isinf(y) || std::isinf(s)) {
            infinite = true;
        } else if (std::isnan(x) || std::isnan(y) || std::isnan(s)) {
            x = y = std::numeric_limits<float>::quiet_NaN();
            s = 0;
        }
    }
    return !infinite;
}

template bool split_keypoints(std::span<const float>, std::span<float>, std::span<float>);
template bool split_keypoints(std::span<const double>, std::span<float>, std::span<float>);

void SelectedKeypoints::check() const {
    if (points == 0 || frames.size() % (points * 3) != 0) {
        throw std::invalid_argument("frames are [T, V, 3], of one keypoint or more");
    }
    for (const std::int64_t index : indices) {
        if (index < 0 || static_cast<std::uint64_t>(index) >= points) {
            throw std::invalid_argument("a selected keypoint is not among those of a frame");
        }
    }
}

bool take_keypoints(const SelectedKeypoints& selected, std::span<float> keypoint, std::span<float> score) {
    selected.check();
    const std::size_t count = selected.indices.size(), width = 3 * selected.points;
    if (count == 0 || score.size() % count != 0 || keypoint.size() != 2 * score.size() ||
        score.size() / count > selected.frames.size() / width) {
        throw std::invalid_argument("the arrays are of another size than the selected keypoints");
    }
    const float* frame = selected.frames.last(score.size() / count * width).data();
    for (std::size_t i = 0; i < score.size(); frame += width) {
        for (const std::int64_t index : selected.indices) {
            const float* point = frame + 3 * index;
            keypoint[2 * i] = point[0];
            keypoint[2 * i + 1] = point[1];
            score[i++] = point[2];
        }
    }
    return all_within(selected.frames, max_float) && all_within(keypoint, max_half) && all_within(score, max_half);
}

void count_scores(const SelectedKeypoints& selected, std::size_t bins, std::span<std::int64_t> histogram) {
    selected.check();
    if (bins == 0 || bins > max_bins || histogram.size() != selected.indices.size() * bins) {
        throw std::invalid_argument("a histogram has 1 to 1,048,576 bins for each selected keypoint");
    }
    const auto scale = static_cast<float>(bins), last = static_cast<float>(bins - 1);
    const std::size_t width = 3 * selected.points;
    for (auto frames = selected.frames; !frames.empty(); frames = frames.subspan(width)) {
        std::size_t first = 0;
        for (const std::int64_t index : selected.indices) {
            const float bin = std::min(std::max(0.0F, frames[3 * index + 2] * scale), last);  // 0 for NaN
            ++histogram[first + static_cast<std::size_t>(bin)];
            first += bins;
        }
    }
}

}  // namespace heatsvc
