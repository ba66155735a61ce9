// Number arrays in JSON text: the lists under `keypoint` and `keypoint_score` as float32.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace heatsvc {

// Lists in lists: [M, T, V, 2|3] has so many levels.
inline constexpr std::size_t number_array_levels = 4;

// Where the text of an array begins and ends; how long the lists of each level are, those further out first, 0 for the
// levels that it does not have.
using NumberArray = std::array<std::int64_t, 2 + number_array_levels>;

struct NumberArrays {
    std::size_t found;  // arrays
    std::size_t nulls;  // among the numbers of these arrays and of skipped lists
};

// Parse the regular lists of numbers under `keypoint` and `keypoint_score` in JSON text, at any depth.
//
// Only the grammar of RFC 8259 is accepted: a list that is anything but regular lists of numbers and `null` is passed
// over, for a JSON parser to judge. One pass: what has been read of a list that turns out to be irregular holds no
// string, and so no key, and is not read again.
//
// text: nothing is found unless its last byte is a closing brace.
// min_bytes: lists of fewer bytes are passed over.
// max_numbers: lists of more numbers are passed over.
// values: takes the numbers of all lists, one after the other, `null` as NaN. A number of a list has two bytes of text
//     or more, so that half as many and one are enough; where they are not, lists are passed over.
// arrays: as many are found at most.
//
// Each number is the double nearest to the text, rounded to float32; a list with one too large for it is passed over.
NumberArrays parse_number_arrays(std::span<const std::uint8_t> text, std::size_t min_bytes, std::size_t max_numbers,
                                 std::span<float> values, std::span<NumberArray> arrays);

}  // namespace heatsvc
