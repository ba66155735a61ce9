"""The mirror image of the points."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from heatsvc.pipeline import PipelineError
from heatsvc.pose import get_layout
from tests.pipeline.clips import NAN, Step, clip_of, numbered_clip, points_of, run

ALWAYS: Step = {"type": "Flip", "flip_ratio": 1.0}
NO_SIDES: Step = {"left_kp": [], "right_kp": []}


def test_x_becomes_the_width_minus_x_and_pairs_change_places() -> None:
    clip = clip_of([[[10, 1], [20, 2], [30, 3]]], score=[[0.1, 0.2, 0.3]])
    volume = run([{**ALWAYS, "left_kp": [1], "right_kp": [2]}], clip)
    assert points_of(volume) == [[190, 1], [170, 3], [180, 2]]
    np.testing.assert_array_equal(volume.keypoint_score[0, 0], np.array([0.1, 0.3, 0.2], np.float32))


def test_zeros_and_undetected_points_stay() -> None:
    zero, undetected = points_of(run([{**ALWAYS, **NO_SIDES}], clip_of([[[0, 5], [NAN, NAN]]])))
    assert zero == [0, 5]
    assert np.isnan(undetected).all()


def test_left_and_right_come_from_the_layout() -> None:
    sign27 = get_layout("sign27")
    volume = run([ALWAYS], numbered_clip(1, 27))
    numbers = [int(y) - 1 for _, y in points_of(volume)]
    assert numbers == list(sign27.mirror)
    assert numbers[1:3] == [2, 1]


def test_with_empty_lists_no_points_change_places() -> None:
    clip = clip_of([[[10, 1], [20, 2], [30, 3]]])
    assert points_of(run([{**ALWAYS, **NO_SIDES}], clip)) == [[190, 1], [180, 2], [170, 3]]


def test_an_unknown_layout_is_never_flipped_by_a_guess() -> None:
    clip = clip_of([[[10, 1], [20, 2], [30, 3]]])
    for ratio in (1.0, 1e-9):
        with pytest.raises(PipelineError, match=r"3 points of an unknown layout are unknown: set layout, or left_kp"):
            run([{**ALWAYS, "flip_ratio": ratio}], clip)
    assert points_of(run([{**ALWAYS, "flip_ratio": 0.0}], clip)) == [[10, 1], [20, 2], [30, 3]]


@pytest.mark.parametrize(("flip_ratio", "share"), [(0.0, 0.0), (0.25, 0.25), (1.0, 1.0)])
def test_flips_happen_with_the_given_probability(flip_ratio: float, share: float) -> None:
    step = {**NO_SIDES, "type": "Flip", "flip_ratio": flip_ratio}
    flips = [
        points_of(run([step], clip_of([[[10, 1]]]), test_mode=False, seed=seed)) == [[190, 1]] for seed in range(200)
    ]
    assert np.mean(flips) == pytest.approx(share, abs=0.08)


def test_mmaction2s_parameters_for_images_and_labels_are_accepted() -> None:
    step = {**ALWAYS, **NO_SIDES, "direction": "horizontal", "flip_label_map": {"3": 4}, "lazy": False}
    assert points_of(run([step], clip_of([[[10, 1]]]))) == [[190, 1]]


@pytest.mark.parametrize(
    ("parameters", "field", "message"),
    [
        ({"direction": "vertical"}, "direction", "must be 'horizontal', not 'vertical'"),
        ({"flip_ratio": 1.5}, "flip_ratio", "must be at most 1, not 1.5"),
        ({"left_kp": [1]}, "right_kp", "left_kp is given without right_kp"),
        ({"left_kp": [0, 1], "right_kp": [2]}, "right_kp", "left_kp has 2 entries and right_kp has 1"),
        ({"left_kp": [0], "right_kp": [3]}, "right_kp", "has keypoint 3, but there are 3 keypoints, 0 to 2"),
        ({"left_kp": [-1], "right_kp": [1]}, "left_kp[0]", "must be at least 0, not -1"),
    ],
)
def test_an_invalid_parameter_is_refused(parameters: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(PipelineError, match=message) as error:
        run([{**ALWAYS, **parameters}], clip_of([[[10, 1], [20, 2], [30, 3]]]))
    assert error.value.field == f"pipeline[0].{field}"
