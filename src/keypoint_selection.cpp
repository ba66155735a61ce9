#include "keypoint_selection.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <type_traits>

namespace heatsvc {
namespace {

static_assert(std::numeric_limits<float>::is_iec559);

constexpr std::uint32_t exponent = 0x7F800000;  // all ones in infinity and NaN
constexpr std::uint32_t magnitude_bits = 0x7FFFFFFF, top_bit = 0x80000000;
constexpr std::uint32_t largest_half = 0x477FE000;  // 65504
constexpr std::size_t most_bins = 1 << 20;          // a float holds each of their numbers

bool finite(float number) { return (std::bit_cast<std::uint32_t>(number) & exponent) != exponent; }

// A magnitude as float16.
std::uint32_t half_magnitude(std::uint32_t magnitude) {
    if (magnitude >= 0x38800000) {  // 2**-14, float16's smallest normal number
        return (magnitude - 0x38000000 + 0xFFF + (magnitude >> 13 & 1)) >> 13;
    }
    if (magnitude <= 0x33000000) {  // 2**-25, half of its smallest: a tie, to zero
        return 0;
    }
    const std::uint32_t shift = 126 - (magnitude >> 23);
    const std::uint32_t mantissa = (magnitude & 0x7FFFFF) | 0x800000;
    return (mantissa + (std::uint32_t{1} << (shift - 1)) - 1 + (mantissa >> shift & 1)) >> shift;
}

float to_float(float number) { return number; }
float to_float(double number) { return static_cast<float>(number); }
float to_float(std::uint16_t half) {
    const std::uint32_t magnitude = half & 0x7FFF, sign = std::uint32_t{half} << 16 & 0x80000000;
    if (magnitude >= 0x7C00) {
        return std::bit_cast<float>(sign | exponent | (magnitude & 0x3FF) << 13);
    }
    // Exact, also for numbers that are not normal.
    return std::copysign(std::bit_cast<float>(magnitude << 13) * 0x1p112f, std::bit_cast<float>(sign));
}

template <std::size_t columns, typename Number>
bool split(const Number* numbers, std::span<float> keypoint, std::span<float> score) {
    std::uint32_t found = 0;
    for (std::size_t i = 0; i < score.size(); ++i, numbers += columns) {
        const float x = to_float(numbers[0]), y = to_float(numbers[1]);
        const float s = columns == 3 ? to_float(numbers[columns - 1]) : 1.0f;
        keypoint[2 * i] = x;
        keypoint[2 * i + 1] = y;
        score[i] = s;
        found |= !finite(x) | !finite(y) | !finite(s);
    }
    return found == 0;
}

std::uint16_t to_half(float number, std::uint32_t& largest) {
    const auto bits = std::bit_cast<std::uint32_t>(number), magnitude = bits & magnitude_bits;
    largest = std::max(largest, magnitude);
    return static_cast<std::uint16_t>(half_magnitude(magnitude) | (bits >> 16 & 0x8000));
}

}  // namespace

template <typename Number>
bool split_keypoints(std::span<const Number> numbers, std::span<float> keypoint, std::span<float> score) {
    const std::size_t count = score.size();
    if (keypoint.size() != 2 * count || (numbers.size() != 2 * count && numbers.size() != 3 * count)) {
        throw std::invalid_argument("a point has two or three numbers");
    }
    const bool scored = numbers.size() != 2 * count;
    if (scored ? split<3>(numbers.data(), keypoint, score) : split<2>(numbers.data(), keypoint, score)) {
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
template bool split_keypoints(std::span<const std::uint16_t>, std::span<float>, std::span<float>);

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

template <typename Number>
bool take_keypoints(const SelectedKeypoints& selected, std::span<Number> keypoint, std::span<Number> score) {
    selected.check();
    const std::size_t count = selected.indices.size(), width = 3 * selected.points;
    if (count == 0 || score.size() % count != 0 || keypoint.size() != 2 * score.size() ||
        score.size() / count > selected.frames.size() / width) {
        throw std::invalid_argument("the arrays are of another size than the selected keypoints");
    }
    std::uint32_t infinite = 0, largest = 0;
    for (const float number : selected.frames) {
        // Sets the top bit where the exponent is all ones.
        infinite |= (std::bit_cast<std::uint32_t>(number) & magnitude_bits) + (1 << 23);
    }
    const auto converted = [&](float number) {
        if constexpr (std::is_same_v<Number, float>) {
            return number;
        } else {
            return to_half(number, largest);
        }
    };
    const float* frame = selected.frames.last(score.size() / count * width).data();
    for (std::size_t i = 0; i < score.size(); frame += width) {
        for (const std::int64_t index : selected.indices) {
            const float* point = frame + 3 * index;
            keypoint[2 * i] = converted(point[0]);
            keypoint[2 * i + 1] = converted(point[1]);
            score[i++] = converted(point[2]);
        }
    }
    return infinite < top_bit && largest <= largest_half;
}

template bool take_keypoints(const SelectedKeypoints&, std::span<float>, std::span<float>);
template bool take_keypoints(const SelectedKeypoints&, std::span<std::uint16_t>, std::span<std::uint16_t>);

void count_scores(const SelectedKeypoints& selected, std::size_t bins, std::span<std::int64_t> histogram) {
    selected.check();
    if (bins == 0 || bins > most_bins || histogram.size() != selected.indices.size() * bins) {
        throw std::invalid_argument("a histogram has 1 to 1,048,576 bins for each selected keypoint");
    }
    const auto scale = static_cast<float>(bins), last = static_cast<float>(bins - 1);
    const std::size_t width = 3 * selected.points;
    for (auto frames = selected.frames; !frames.empty(); frames = frames.subspan(width)) {
        std::size_t first = 0;
        for (const std::int64_t index : selected.indices) {
            const float bin = std::min(std::max(0.0f, frames[3 * index + 2] * scale), last);  // 0 for NaN
            ++histogram[first + static_cast<std::size_t>(bin)];
            first += bins;
        }
    }
}

}  // namespace heatsvc
