// Python bindings of the kernels that parse JSON numbers, and that split, select and count keypoints.
#include <nanobind/stl/tuple.h>

#include <tuple>

#include "array.h"
#include "json_numbers.h"
#include "kernels.h"
#include "keypoint_selection.h"

namespace nb = nanobind;
using namespace nb::literals;
using Unlocked = nb::call_guard<nb::gil_scoped_release>;

namespace heatsvc {
namespace {

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

}  // namespace

void bind_input(nb::module_& module) {
    module.def(
        "parse_number_arrays",
        [](const nb::bytes& text, std::size_t min_bytes, std::size_t max_numbers, const Out<float>& values,
           const Out<std::int64_t, 2>& arrays) {
            require(arrays.shape(1) == std::tuple_size_v<NumberArray>, "a row of arrays has six numbers");
            const std::span bytes(static_cast<const std::uint8_t*>(text.data()), text.size());
            const std::span rows(reinterpret_cast<NumberArray*>(arrays.data()), arrays.shape(0));
            const nb::gil_scoped_release unlocked;
            const auto [found, nulls] = parse_number_arrays(bytes, min_bytes, max_numbers, flat(values), rows);
            return std::tuple(found, nulls);
        },
        "text"_a, "min_bytes"_a, "max_numbers"_a, array("values"), array("arrays"),
        "Parse the arrays under keypoint and keypoint_score in JSON text. Returns how many there are, and how many "
        "null are in them.");
    bind_split<float>(module);
    bind_split<double>(module);
    module.def(
        "take_keypoints",
        [](const In<float, 3>& frames, const In<std::int64_t>& indices, const Out<float, 3>& keypoint,
           const Out<float, 2>& score) {
            require_apart(flat(keypoint), flat(frames), flat(indices));
            require_apart(flat(score), flat(frames), flat(indices));
            return take_keypoints(selected(frames, indices), flat(keypoint), flat(score));
        },
        array("frames"), array("indices"), array("keypoint"), array("score"), Unlocked(),
        "Write the keypoints at `indices` of the last t frames of [T, V, 3]: keypoint [t, n, 2], score [t, n]. "
        "Returns whether all numbers are finite, and none written is too large for float16.");
    module.def(
        "count_scores",
        [](const In<float, 3>& frames, const In<std::int64_t>& indices, const Out<std::int64_t, 2>& histogram) {
            count_scores(selected(frames, indices), histogram.shape(1), flat(histogram));
        },
        array("frames"), array("indices"), array("histogram"), Unlocked(),
        "Add the scores at `indices` of [T, V, 3] to a histogram [n, bins] over [0, 1].");
    module.def(
        "count_points",
        [](const In<float, 4>& keypoint, const In<float, 3>& score, float height, float width, float max_coordinate,
           float far, float confident, float min_score, float max_score) {
            const nb::gil_scoped_release unlocked;
            const CountLimits limits{height, width, max_coordinate, far, confident, min_score, max_score};
            const auto counts = kernels().count_points(flat(keypoint), flat(score), limits);
            return std::tuple(counts.detected, counts.inside, counts.beyond_x, counts.beyond_y, counts.far,
                              counts.confident, counts.confident_inside, counts.confident_transposed, counts.at_origin,
                              counts.scores_out_of_range);
        },
        array("keypoint"), array("score"), "height"_a, "width"_a, "max_coordinate"_a, "far"_a, "confident"_a,
        "min_score"_a, "max_score"_a,
        "Count the points of keypoint [M, T, V, 2] and score [M, T, V]: detected ones, of these those in the frame, "
        "those whose x and whose y is beyond max_coordinate, and those `far` frame sides from (0, 0); confident ones, "
        "of these those in the frame, and in a frame of swapped sides; those at (0, 0) with a score; those whose score "
        "is not from min_score to max_score.");
}

}  // namespace heatsvc
