"""New sides and the points in them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from heatsvc.pipeline import PipelineError
from tests.pipeline.clips import clip_of, points_of, run


def resized(scale: Any, *, img_shape: tuple[int, int] = (100, 200), **parameters: object) -> tuple[Any, ...]:
    """((height, width), point) where (50, 20) goes after Resize."""
    step = {"type": "Resize", "scale": scale, **parameters}
    volume = run([step], clip_of([[50, 20]], img_shape=img_shape))
    return (volume.height, volume.width), points_of(volume)[0]


def test_with_minus_one_the_short_side_becomes_the_other_number() -> None:
    assert resized([-1, 64]) == ((64, 128), [32, pytest.approx(12.8)])
    assert resized([64, -1]) == ((64, 128), [32, pytest.approx(12.8)])
    assert resized([-1, 64], img_shape=(200, 100))[0] == (128, 64)


def test_two_sides_are_the_largest_size() -> None:
    assert resized([100, 80])[0] == (50, 100)
    assert resized([80, 100])[0] == (50, 100)
    assert resized([300, 10])[0] == (10, 20)


def test_a_number_is_a_factor() -> None:
    assert resized(0.5) == ((50, 100), [25, 10])
    assert resized(2) == ((200, 400), [100, 40])


def test_new_sides_are_rounded_half_up() -> None:
    assert resized(0.5, img_shape=(5, 7))[0] == (3, 4)


def test_without_keeping_the_ratio_each_axis_has_its_own_factor() -> None:
    assert resized([50, 200], keep_ratio=False) == ((200, 50), [12.5, 40])


def test_points_move_by_the_rounded_side_over_the_old_one_in_float32() -> None:
    _, (x, _) = resized(0.5, img_shape=(5, 7))
    assert np.float32(x) == np.float32(50) * np.float32(4 / 7)


def test_interpolation_is_ignored() -> None:
    assert resized([-1, 64], interpolation="nearest", lazy=False) == resized([-1, 64])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"scale": [-1, 64], "keep_ratio": False}, "cannot have -1 if keep_ratio is false"),
        ({"scale": 2.0, "keep_ratio": False}, "must be \\[width, height\\] if keep_ratio is false"),
        ({"scale": [-1, -1]}, "from 1 to 100,000 pixels, or -1 for one of them"),
        ({"scale": [0, 64]}, "from 1 to 100,000 pixels"),
        ({"scale": [64, 100_001]}, "from 1 to 100,000 pixels"),
        ({"scale": "64"}, "must be a number or a list, not '64'"),
        ({"scale": True}, "must be a number or a list, not true"),
        ({"scale": 0}, "must be greater than 0, not 0"),
        ({"scale": [64]}, "must be a list of two"),
        ({}, "Resize needs scale: A factor, or"),
    ],
)
def test_an_invalid_scale_is_refused(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(PipelineError, match=message) as error:
        run([{"type": "Resize", **parameters}], clip_of([[50, 20]]))
    assert error.value.field == "pipeline[0].scale"


def test_a_side_of_no_pixels_is_refused() -> None:
    with pytest.raises(PipelineError, match="10000 x 1 pixels would become 64 x 0") as error:
        resized([64, 64], img_shape=(1, 10_000))
    assert error.value.field == "pipeline[0].scale"
