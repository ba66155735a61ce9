"""PoseClip.build: validation and conversion of arrays."""

import numpy as np
import pytest

from heatsvc.bounds import Bounds
from heatsvc.errors import LimitError
from heatsvc.pose import LAYOUTS, NoKeypointsError, PoseClip, PoseError

HD = (1080, 1920)


pytestmark = pytest.mark.usefixtures("each_kernels")


def build(keypoint, score=None, **more):
    return PoseClip.build(np.asarray(keypoint), score, **{"img_shape": HD, **more})


@pytest.mark.parametrize(
    ("given", "shape"),
    [
        ((17, 2), (1, 1, 17, 2)),
        ((5, 17, 2), (1, 5, 17, 2)),
        ((2, 5, 17, 2), (2, 5, 17, 2)),
        ((5, 17, 3), (1, 5, 17, 2)),
    ],
)
def test_axes_that_are_missing_are_added(given, shape):
    assert build(np.ones(given)).keypoint.shape == shape


def test_it_is_shown_in_a_line():
    clip = build(np.ones((2, 5, 133, 2)), frame_dir="a", label=3)
    assert repr(clip) == (
        "PoseClip(frame_dir='a', persons=2, frames=5, points=133, layout='coco_wholebody', "
        "img_shape=(1080, 1920), label=3)"
    )
    assert repr(clip.layout) == "Layout('coco_wholebody', 133 points)"


def test_the_third_column_is_the_score():
    clip = build([[[10.0, 20.0, 0.5]]])
    assert clip.keypoint.tolist() == [[[[10.0, 20.0]]]]
    assert clip.keypoint_score.tolist() == [[[0.5]]]


def test_keypoint_score_is_taken_instead_of_the_third_column():
    assert build([[[10.0, 20.0, 0.5]]], np.array([[0.25]])).keypoint_score.tolist() == [[[0.25]]]


def test_without_a_score_every_score_is_1():
    assert build([[[10.0, 20.0]]]).keypoint_score.tolist() == [[[1.0]]]


@pytest.mark.parametrize("dtype", [">f4", "<f8", "<f2", "<i4", "u1"])
def test_numbers_of_any_type_become_native_float32(dtype):
    clip = build(np.array([[[10, 20]]], dtype))
    assert clip.keypoint.dtype == np.float32
    assert clip.keypoint.dtype.isnative
    assert clip.keypoint.tolist() == [[[[10.0, 20.0]]]]


@pytest.mark.parametrize("columns", [2, 3])
def test_arrays_are_c_ordered_and_writable_whatever_came(columns):
    data = np.asfortranarray(np.ones((5, 17, columns), np.float32))
    data.flags.writeable = False
    clip = build(data, None)
    assert clip.keypoint.flags.carray
    assert clip.keypoint_score.flags.carray


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", "<f2", "<i2"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(2, 3, 5, 3), (2, 3, 5, 2), (2, 3, 2, 3), (7, 3)])
def test_every_number_keeps_its_place(shape, order, dtype):
    data = np.arange(np.prod(shape)).reshape(shape).astype(dtype, order=order)
    for given in (data, data[::-1], data[..., ::2, :]):
        clip = build(given)
        assert clip.keypoint.reshape(*given.shape[:-1], 2).tolist() == given[..., :2].tolist()
        if shape[-1] == 3:
            assert clip.keypoint_score.reshape(given.shape[:-1]).tolist() == given[..., 2].tolist()


def test_a_point_with_nan_in_x_y_or_score_is_undetected():
    clip = build([[[np.nan, 1.0, 1.0], [1.0, np.nan, 1.0], [1.0, 1.0, np.nan], [1.0, 1.0, 1.0]]])
    assert np.isnan(clip.keypoint[0, 0]).all(axis=-1).tolist() == [True, True, True, False]
    assert clip.keypoint_score[0, 0].tolist() == [0.0, 0.0, 0.0, 1.0]


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e39])
def test_infinity_is_refused_with_index_and_frame(value):
    keypoint = np.ones((3, 4, 2))
    keypoint[2, 3, 1] = value
    with pytest.raises(PoseError, match=r"keypoint\[0, 2, 3, 1\] is infinite, or too large for float32") as caught:
        build(keypoint)
    assert (caught.value.field, caught.value.frame) == ("keypoint", 2)


@pytest.mark.parametrize(
    ("point", "where"),
    [
        ([np.nan, np.inf, 1], r"keypoint\[0, 0, 1, 1\]"),
        ([1, 1, -np.inf], r"keypoint_score\[0, 0, 1\]"),
        ([np.nan, 1, np.inf], r"keypoint_score\[0, 0, 1\]"),
    ],
)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_infinity_beside_nan_is_refused(point, where, dtype):
    with pytest.raises(PoseError, match=where + " is infinite"):
        build(np.array([[[1, np.nan, 1], point]], dtype))


def test_a_view_with_a_reversed_axis_of_one_is_read():
    assert build(np.arange(6.0).reshape(1, 1, 2, 3)[::-1]).keypoint.tolist() == [[[[0, 1], [3, 4]]]]


def test_wrong_axes_are_refused_with_the_right_ones():
    with pytest.raises(PoseError, match=r"keypoint has 1 axes, \[6\]: it must be \[V, 2\|3\], \[T, V, 2\|3\]"):
        build(np.ones(6))
    with pytest.raises(PoseError, match=r"last axis of keypoint has 4 numbers per point"):
        build(np.ones((5, 17, 4)))


@pytest.mark.parametrize(
    ("shape", "axis"), [((0, 17, 2), "frames"), ((5, 0, 2), "keypoints"), ((0, 5, 17, 2), "persons")]
)
def test_an_empty_axis_means_that_nothing_was_found(shape, axis):
    with pytest.raises(NoKeypointsError, match=f"keypoint has 0 {axis}"):
        build(np.ones(shape))


def test_text_is_not_a_number():
    with pytest.raises(PoseError, match=r"keypoint must be numbers, not <U1"):
        build(np.array([[["1", "2"]]]))


def test_scores_of_another_shape_are_refused_with_the_right_one():
    with pytest.raises(PoseError, match=r"keypoint_score is \[5, 16\]: it must be \[5, 17\]"):
        build(np.ones((5, 17, 2)), np.ones((5, 16)))


def test_bounds_hold_before_anything_is_converted():
    huge = np.broadcast_to(np.int8(0), (10**6, 10**6, 2))
    with pytest.raises(LimitError, match=r"1,000,000 frames are too many \(limit 10,000\): .*max_frames="):
        build(huge)


def test_bounds_are_a_parameter():
    with pytest.raises(LimitError, match="6 frames are too many"):
        build(np.ones((6, 17, 2)), bounds=Bounds(max_frames=5))


def test_the_layout_is_inferred_from_the_number_of_points():
    assert build(np.ones((5, 133, 2))).layout is LAYOUTS["coco_wholebody"]
    assert build(np.ones((5, 134, 2))).layout is None


def test_a_layout_of_another_size_is_refused_with_the_fitting_one():
    with pytest.raises(
        PoseError, match="layout coco17 has 17 points, but the keypoints have 133; 133 points are coco_wh"
    ):
        build(np.ones((5, 133, 2)), layout=LAYOUTS["coco17"])


def test_a_missing_img_shape_is_refused_with_an_example():
    with pytest.raises(PoseError, match=r"img_shape is missing: set .* \[1080, 1920\]"):
        build(np.ones((5, 17, 2)), img_shape=None)


@pytest.mark.parametrize(
    "img_shape",
    [[1080], [1080, 1920, 3], [1080.0, 1920.0], [True, True], [0, 5], [100_001, 5], "ab", 7, [10**5000, 1], {}],
)
def test_an_invalid_img_shape_is_refused(img_shape):
    with pytest.raises(PoseError, match="img_shape must be"):
        build(np.ones((5, 17, 2)), img_shape=img_shape)


def test_an_img_shape_nested_a_thousand_deep_is_refused():
    nested = []
    for _ in range(5_000):
        nested = [nested]
    with pytest.raises(PoseError, match="img_shape must be two whole numbers"):
        build(np.ones((5, 17, 2)), img_shape=nested)
