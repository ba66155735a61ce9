// The kernels that read JSON number arrays and the keypoints of files, as functions of the module.
#include <nanobind/stl/tuple.h>

#include <tuple>

#include "array.h"
#include "json_numbers.h"
#include "keypoint_selection.h"

namespace nb = nanobind;
using namespace nb::literals;
using Unlocked = nb::call_guard<nb::gil_scoped_release>;

namespace heatsvc {
namespace {

std::span<const std::uint8_t> bytes_of(const nb::bytes& bytes) {
    return {static_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

SelectedKeypoints selected(const In<float, 3>& frames, const In<std::int64_t>& indices) {
    require(frames.shape(2) == 3, "frames are [T, V, 3]");
    return {flat(frames), frames.shape(1), flat(indices)};
}

template <typename Number>
void bind_split(nb::module_& module) {
    module.def(
        "split_keypoints",
        [](const nb::ndarray<const Number, nb::c_contig, nb::device::cpu>& numbers, const Out<float, 4>& keypoint,
           const Out<float, 3>& score) { return split_keypoints(flat(numbers), flat(keypoint), flat(score)); },
        array("numbers"), array("keypoint"), array("score"), Unlocked(),
        "Split [..., C] into keypoint [M, T, V, 2] and score [M, T, V], and mark points that were not detected. "
        "Returns whether no number is infinite as float32.");
}

template <typename Number>
void bind_take(nb::module_& module) {
    module.def(
        "take_keypoints",
        [](const In<float, 3>& frames, const In<std::int64_t>& indices, const Out<Number, 3>& keypoint,
           const Out<Number, 2>& score) {
            require_apart(flat(keypoint), flat(frames), flat(indices));
            require_apart(flat(score), flat(frames), flat(indices));
            return take_keypoints(selected(frames, indices), flat(keypoint), flat(score));
        },
        array("frames"), array("indices"), array("keypoint"), array("score"), Unlocked(),
        "Write the keypoints at `indices` of the last t frames of [T, V, 3]: keypoint [t, n, 2], score [t, n]. "
        "Returns whether all numbers are finite, and none written is too large.");
}

}  // namespace

void bind_input(nb::module_& module) {
    module.def(
        "parse_number_arrays",
        [](const nb::bytes& text, const nb::bytes& mark, std::size_t most, const Out<std::uint8_t>& rest,
           const Out<float>& values, const Out<std::int32_t, 2>& shapes) {
            require(shapes.shape(1) == number_array_levels + 1, "a row of shapes has five numbers");
            const auto bytes = bytes_of(text), placeholder = bytes_of(mark);
            const nb::gil_scoped_release unlocked;
            const auto [found, length, nulls] =
                parse_number_arrays(bytes, placeholder, most, flat(rest), flat(values), flat(shapes));
            return std::tuple(found, length, nulls);
        },
        "text"_a, "mark"_a, "most"_a, array("rest"), array("values"), array("shapes"),
        "Copy JSON text with placeholders instead of the arrays under keypoint and keypoint_score. "
        "Returns how many arrays, the bytes of the copy, and how many null.");
    // The bits of float16 are uint16.
    bind_split<float>(module);
    bind_split<double>(module);
    bind_split<std::uint16_t>(module);
    bind_take<float>(module);
    bind_take<std::uint16_t>(module);
    module.def(
        "count_scores",
        [](const In<float, 3>& frames, const In<std::int64_t>& indices, const Out<std::int64_t, 2>& histogram) {
            count_scores(selected(frames, indices), histogram.shape(1), flat(histogram));
        },
        array("frames"), array("indices"), array("histogram"), Unlocked(),
        "Add the scores at `indices` of [T, V, 3] to a histogram [n, bins] over [0, 1].");
}

}  // namespace heatsvc
