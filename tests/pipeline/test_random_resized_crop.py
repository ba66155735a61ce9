"""A random part of the frame, the same for the same seed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatsvc.pipeline import PipelineError
from tests.pipeline.clips import clip_of, points_of, run


def box(seed: int | None, *, test_mode: bool = False, **parameters: object) -> tuple[float, float, int, int]:
    """(left, top, width, height) of the part that is cropped of a frame 200 wide and 100 high."""
    step = {"type": "RandomResizedCrop", **parameters}
    volume = run([step], clip_of([[0, 0]]), test_mode=test_mode, seed=seed)
    ((x, y),) = points_of(volume)
    return -x, -y, volume.width, volume.height


@given(st.integers(0, 2**32 - 1))
def test_the_box_is_in_the_frame_with_area_and_ratio_in_range(seed: int) -> None:
    left, top, width, height = box(seed, area_range=[0.1, 0.3], aspect_ratio_range=[0.5, 2.0])
    assert 0 <= left <= left + width <= 200
    assert 0 <= top <= top + height <= 100
    assert 0.09 < width * height / (200 * 100) < 0.31
    assert 0.45 < width / height < 2.2


def test_where_no_box_fits_it_is_the_center_square() -> None:
    assert box(1, area_range=[1.0, 1.0], aspect_ratio_range=[0.5, 0.6]) == (50, 0, 100, 100)


def test_the_result_depends_on_the_seed() -> None:
    assert box(1) == box(1)
    assert box(1) != box(2)


def test_in_test_mode_the_seed_is_255() -> None:
    assert box(1, test_mode=True) == box(2, test_mode=True) == box(255)


def test_without_a_seed_two_runs_differ() -> None:
    assert len({box(None) for _ in range(5)}) > 1


@pytest.mark.parametrize(
    ("parameters", "field", "message"),
    [
        ({"area_range": [0, 1]}, "area_range", "above 0 and at most 1,"),
        ({"area_range": [0.5, 0.2]}, "area_range", "\\[minimum, maximum\\]"),
        ({"area_range": [0.5, 1.5]}, "area_range", "at most 1,"),
        ({"aspect_ratio_range": [-1, 1]}, "aspect_ratio_range", "above 0"),
        ({"area_range": 0.5}, "area_range", "must be a list, not 0.5"),
        ({"area_range": [0.5, "1"]}, "area_range[1]", "must be a number, not '1'"),
        ({"lazy": True}, "lazy", "must be false, not true"),
    ],
)
def test_an_invalid_range_is_refused(parameters: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(PipelineError, match=message) as error:
        box(1, **parameters)
    assert error.value.field == f"pipeline[0].{field}"
