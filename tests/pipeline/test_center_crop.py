"""The middle of the frame."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from heatsvc.pipeline import PipelineError
from tests.pipeline.clips import NAN, clip_of, points_of, run


def cropped(crop_size: Any, point: list[float]) -> tuple[Any, ...]:
    """((height, width), point) after CenterCrop of a frame 200 wide and 100 high."""
    volume = run([{"type": "CenterCrop", "crop_size": crop_size}], clip_of([point]))
    return (volume.height, volume.width), points_of(volume)[0]


def test_one_number_is_both_sides() -> None:
    assert cropped(64, [100, 50]) == ((64, 64), [32, 32])


def test_a_pair_is_width_and_height() -> None:
    assert cropped([150, 40], [100, 50]) == ((40, 150), [75, 20])


def test_the_corner_is_rounded_down() -> None:
    assert cropped([99, 99], [100, 50]) == ((99, 99), [50, 50])


def test_a_crop_larger_than_the_frame_gives_it_a_margin() -> None:
    assert cropped([210, 105], [100, 50]) == ((105, 210), [105, 53])


def test_points_of_zero_move_too_and_undetected_ones_stay_so() -> None:
    assert cropped(100, [0, 0]) == ((100, 100), [-50, 0])
    assert np.isnan(cropped(100, [NAN, NAN])[1]).all()


@pytest.mark.parametrize(
    ("crop_size", "field", "message"),
    [
        (0, "crop_size", "must be at least 1, not 0"),
        ([64, 0], "crop_size[1]", "must be at least 1, not 0"),
        ("64", "crop_size", "must be a whole number or a list, not '64'"),
        (64.0, "crop_size", "must be a whole number or a list, not 64.0"),
        (True, "crop_size", "must be a whole number or a list, not true"),
    ],
)
def test_an_invalid_size_is_refused(crop_size: Any, field: str, message: str) -> None:
    with pytest.raises(PipelineError, match=message) as error:
        cropped(crop_size, [0, 0])
    assert error.value.field == f"pipeline[0].{field}"
