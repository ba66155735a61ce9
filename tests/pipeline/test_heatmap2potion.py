"""Heatmap2Potion: a clip as one image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from heatsvc.pipeline import PipelineError
from tests.pipeline.clips import Step, clip_of, numbered_clip, run
from tests.reference import render_reference

TARGET: Step = {"type": "GeneratePoseTarget"}


@pytest.mark.parametrize(("option", "width"), [("U", 4), ("I", 1), ("N", 4), ("full", 9)])
def test_each_keypoint_has_its_colors(option: str, width: int) -> None:
    volume = run([TARGET, {"type": "Heatmap2Potion", "C": 4, "option": option}], numbered_clip(5))
    assert volume.shape == (1, 64, 64, 17 * width)
    assert render_reference(volume).shape == volume.shape


def test_sampled_clips_are_images_of_their_own_and_so_are_mirrored_ones() -> None:
    sample: list[Step] = [{"type": "UniformSampleFrames", "clip_len": 4, "num_clips": 3}, {"type": "PoseDecode"}]
    potion: Step = {"type": "Heatmap2Potion", "C": 2, "option": "U"}
    assert run([*sample, {**TARGET, "double": True}, potion], numbered_clip(9)).shape == (6, 64, 64, 34)


def test_time_fades_from_the_first_color_to_the_last() -> None:
    walk = clip_of([[[4, 4]], [[12, 4]], [[20, 4]]], img_shape=(9, 25))
    rendered = render_reference(run([TARGET, {"type": "Heatmap2Potion", "C": 2, "option": "U"}], walk))
    np.testing.assert_allclose(rendered[0, 4, [4, 12, 20]], np.array([[1, 0], [0.5, 0.5], [0, 1]]), atol=2e-4)


def test_a_single_frame_has_the_last_color() -> None:
    rendered = render_reference(run([TARGET, {"type": "Heatmap2Potion", "C": 3, "option": "U"}], clip_of([[4, 4]])))
    np.testing.assert_allclose(rendered[0, 4, 4], [0, 0, 1], atol=2e-4)


@pytest.mark.parametrize(
    ("parameters", "field", "message"),
    [
        ({"C": 1}, "C", "must be at least 2, not 1"),
        ({"C": 65}, "C", "must be at most 64, not 65"),
        ({"C": True}, "C", "must be a whole number, not true"),
        ({"C": 3, "option": "V"}, "option", "must be 'U', 'N', 'I' or 'full', not 'V'"),
        ({}, "C", "Heatmap2Potion needs C: The number of colors"),
    ],
)
def test_an_invalid_parameter_is_refused(parameters: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(PipelineError, match=message) as error:
        run([TARGET, {"type": "Heatmap2Potion", **parameters}], numbered_clip(5))
    assert error.value.field == f"pipeline[1].{field}"
