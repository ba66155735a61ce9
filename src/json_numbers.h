// Number arrays in JSON text: the lists under `keypoint` and `keypoint_score` as float32.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace heatsvc {

// Lists in lists: [M, T, V, 2|3] has so many levels.
inline constexpr std::size_t number_array_levels = 4;

struct NumberArrays {
    std::size_t found;   // arrays
    std::size_t length;  // bytes written to `rest`
    std::size_t nulls;   // among the numbers of these arrays, or a few more
};

// Copy JSON text, with a placeholder string instead of each regular list of numbers under a key of keypoints.
//
// The keys are `keypoint` and `keypoint_score`, at any depth. Only the grammar of RFC 8259 is accepted: where a list is
// anything but regular lists of numbers and `null` it stays in the text, for a JSON parser to judge. One pass: what has
// been read of a list that turns out to be irregular holds no string, and so no key, and is not read again.
//
// text: nothing is found unless its last byte is a closing brace.
// mark: a placeholder is this and a number of eight digits, counted from 0, in quotes.
// most: longer lists stay in the text.
// rest: takes the copy; of as many bytes as the text, since no list is replaced that is shorter than its placeholder.
// values: takes the numbers of all lists, one after the other, `null` as NaN. A number of a list has two bytes of text
//     or more, so that half as many and one are enough; where they are not, lists stay in the text.
// shapes: rows of five, one for each list: the number of levels, one to four, and how long the lists of each level are.
//     Further lists stay in the text.
//
// Each number is the double nearest to the text, rounded to float32. A number that is too large or too small for a
// normal float32, or too near to the middle between two of them to be decided here, stays in the text with its list.
//
// Throws std::invalid_argument where `rest` is too short.
NumberArrays parse_number_arrays(std::span<const std::uint8_t> text, std::span<const std::uint8_t> mark,
                                 std::size_t most, std::span<std::uint8_t> rest, std::span<float> values,
                                 std::span<std::int32_t> shapes);

}  // namespace heatsvc
