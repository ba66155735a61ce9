// Keypoints of a file's array: split into points and scores; or selected, converted and counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace heatsvc {

// Split points of two or three numbers, x, y and the score, into keypoint [n, 2] and score [n]; without a third number
// each score is 1. A point with a NaN is not detected: x and y become NaN, the score 0.
//
// Number: float or double.
//
// Returns whether no number is infinite as float32. A point with an infinite number is written unchanged.
template <typename Number>
bool split_keypoints(std::span<const Number> numbers, std::span<float> keypoint, std::span<float> score);

// Frames of V keypoints, x, y and the score each, and the positions of those that are selected.
struct SelectedKeypoints {
    std::span<const float> frames;  // [T, V, 3]
    std::size_t points;             // V
    std::span<const std::int64_t> indices;

    // Throws std::invalid_argument unless there are whole frames of so many points, and those selected are among them.
    void check() const;
};

// Write the selected keypoints of the last frames, as many as there is room for: keypoint [t, n, 2], score [t, n].
// Returns whether the numbers of all frames are finite, and those selected are not too large for float16.
bool take_keypoints(const SelectedKeypoints& selected, std::span<float> keypoint, std::span<float> score);

// Add the scores of the selected keypoints to a histogram [n, bins] over [0, 1]; lower scores count in the first bin,
// higher ones in the last.
void count_scores(const SelectedKeypoints& selected, std::size_t bins, std::span<std::int64_t> histogram);

}  // namespace heatsvc
