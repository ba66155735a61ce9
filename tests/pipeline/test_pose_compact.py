"""The box around the keypoints becomes the frame."""

from __future__ import annotations

import contextlib
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatsvc.pipeline import PipelineError
from tests.pipeline.clips import NAN, clip_of, points_of, run


def compact(points: Any, *, img_shape: tuple[int, int] = (100, 200), **parameters: object) -> tuple[Any, ...]:
    """((height, width), points) after PoseCompact with those parameters."""
    volume = run([{"type": "PoseCompact", **parameters}], clip_of([points], img_shape=img_shape))
    return (volume.height, volume.width), points_of(volume)


def test_the_box_grows_by_a_quarter_and_its_corners_are_cut() -> None:
    # Center (50, 40), half sizes 12.5 x 25: the corners are (37.5, 15) and (62.5, 65).
    assert compact([[40, 20], [60, 60]]) == ((50, 25), [[3, 5], [23, 45]])


def test_corners_outside_the_frame_are_cut_toward_zero() -> None:
    # Center (10.25, 20), half sizes 12.48 x 12.8: the corners are (-2.23, 7.2) and (22.73, 32.8).
    assert compact([[0.5, 10], [20, 30]], padding=0.28) == ((25, 24), [[2.5, 3], [22, 23]])


def test_the_height_follows_the_width() -> None:
    assert compact([[40, 45], [80, 55]], padding=0, hw_ratio=1.0) == ((40, 40), [[0, 15], [40, 25]])


def test_the_width_follows_the_height() -> None:
    assert compact([[40, 20], [50, 60]], padding=0, hw_ratio=2.0) == ((40, 20), [[5, 0], [15, 40]])


def test_a_ratio_can_be_a_range() -> None:
    unchanged = compact([[40, 20], [70, 60]], padding=0, hw_ratio=[0.5, 2.0])
    assert unchanged == ((40, 30), [[0, 0], [30, 40]])


def test_the_box_may_extend_beyond_the_frame() -> None:
    # Half sizes 118.75 around (100, 50): x from -18 to 218, y from -68 to 168.
    assert compact([[5, 5], [195, 95]], hw_ratio=1.0) == ((236, 236), [[23, 73], [213, 163]])


def test_without_allow_imgpad_the_box_is_cut_to_the_frame() -> None:
    size, points = compact([[5, 5], [195, 95]], hw_ratio=1.0, allow_imgpad=False)
    assert size == (100, 200)
    assert points == [[5, 5], [195, 95]]


def test_a_small_box_is_not_cropped() -> None:
    assert compact([[40, 40], [49, 90]]) == ((100, 200), [[40, 40], [49, 90]])
    assert compact([[40, 40], [50, 50]])[0] != (100, 200)


def test_a_coordinate_of_zero_does_not_count_and_does_not_move() -> None:
    assert compact([[0, 0], [40, 20], [60, 60], [50, 0]]) == ((50, 25), [[0, 0], [3, 5], [23, 45], [13, 0]])


def test_a_negative_coordinate_counts() -> None:
    assert compact([[-20, -20], [20, 20]], padding=0) == ((40, 40), [[0, 0], [40, 40]])


def test_an_undetected_point_does_not_count_and_stays_undetected() -> None:
    size, points = compact([[NAN, NAN], [40, 20], [60, 60]])
    assert size == (50, 25)
    assert np.isnan(points[0]).all()
    assert points[1:] == [[3, 5], [23, 45]]


def test_undetected_points_and_zeros_together() -> None:
    size, points = compact([[NAN, NAN], [0, 0], [40, 20], [60, 60]])
    assert size == (50, 25)
    assert points[1:] == [[0, 0], [3, 5], [23, 45]]


def test_all_persons_and_frames_share_one_box() -> None:
    keypoint = [[[[40, 20]], [[50, 30]]], [[[60, 60]], [[45, 45]]]]
    volume = run([{"type": "PoseCompact"}], clip_of(keypoint))
    assert (volume.height, volume.width) == (50, 25)


@pytest.mark.parametrize("value", [0, NAN])
def test_a_clip_without_a_detected_point_is_not_cropped(value: float) -> None:
    volume = run([{"type": "PoseCompact"}], clip_of(np.full((2, 3, 4, 2), value)))
    assert (volume.height, volume.width) == (100, 200)


def test_the_clip_itself_is_not_written_to() -> None:
    clip = clip_of([[[0, 0], [40, 20], [60, 60], [NAN, NAN]]])
    before = clip.keypoint.copy()
    run([{"type": "PoseCompact"}, {"type": "Flip", "flip_ratio": 1, "left_kp": [], "right_kp": []}], clip)
    np.testing.assert_array_equal(clip.keypoint, before)


def test_persons_outside_the_frame_are_refused() -> None:
    with pytest.raises(PipelineError, match="the persons are outside the frame") as error:
        compact([[-60, -60], [-20, -20]], allow_imgpad=False)
    assert error.value.field == "pipeline[0].allow_imgpad"


def test_coordinates_beyond_float32_are_refused() -> None:
    with pytest.raises(PipelineError, match="too large for float32") as error:
        compact([[-3e38, 1], [3e38, 50]])
    assert error.value.field == "pipeline[0]"


_coordinate = st.floats(-(2.0**100), 2.0**100, width=32)


@given(
    st.lists(st.tuples(_coordinate, _coordinate), min_size=1, max_size=6),
    st.sampled_from([None, 1.0, [0.5, 2.0]]),
    st.booleans(),
)
def test_extreme_coordinates_cause_no_warning_and_no_other_error(
    points: list[tuple[float, float]], hw_ratio: Any, allow_imgpad: bool
) -> None:
    steps = [
        {"type": "PoseCompact", "hw_ratio": hw_ratio, "allow_imgpad": allow_imgpad},
        {"type": "Resize", "scale": [64, 64], "keep_ratio": False},
        {"type": "CenterCrop", "crop_size": 56},
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Only a clip whose persons are all outside the frame is refused.
        with contextlib.suppress(PipelineError) if not allow_imgpad else contextlib.nullcontext():
            volume = run(steps, clip_of([points]))
            assert np.isfinite(volume.keypoint).all()
            assert volume.shape == (1, len(points), 56, 56)
