"""The order of the axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from heatsvc.pipeline import PipelineError
from tests.pipeline.clips import Step, numbered_clip, run
from tests.reference import render_reference

TARGET: Step = {"type": "GeneratePoseTarget"}
FORMAT: Step = {"type": "FormatShape", "input_format": "NCTHW_Heatmap"}
SAMPLE: list[Step] = [{"type": "UniformSampleFrames", "clip_len": 4, "num_clips": 3}, {"type": "PoseDecode"}]


def test_without_it_frames_come_first() -> None:
    assert run([*SAMPLE, TARGET], numbered_clip(20)).shape == (12, 17, 64, 64)


def test_with_it_sampled_clips_come_first() -> None:
    volume = run([*SAMPLE, TARGET, FORMAT], numbered_clip(20))
    assert volume.clips == 3
    assert volume.shape == (3, 17, 4, 64, 64)


def test_the_mirrored_copies_are_clips_of_their_own() -> None:
    assert run([*SAMPLE, {**TARGET, "double": True}, FORMAT], numbered_clip(20)).shape == (6, 17, 4, 64, 64)


def test_a_clip_that_was_not_sampled_is_one() -> None:
    assert run([TARGET, FORMAT], numbered_clip(5)).shape == (1, 17, 5, 64, 64)


def test_a_reduction_takes_the_channels_axis_away() -> None:
    clip = numbered_clip(5, 3)
    assert run([TARGET, FORMAT], clip, reduce="max").shape == (1, 5, 64, 64)
    largest = render_reference(run([TARGET], clip)).max(axis=1)
    np.testing.assert_array_equal(render_reference(run([TARGET], clip, reduce="max")), largest)


def test_argmax_is_the_channel_or_minus_one() -> None:
    rendered = render_reference(run([TARGET], numbered_clip(1, 3), reduce="argmax"))
    assert rendered.dtype == np.int16
    assert rendered[0, :6, 1].tolist() == [0, 0, 1, 2, 2, -1]


@pytest.mark.parametrize(
    ("parameters", "field", "message"),
    [
        ({"input_format": "NCTHW"}, "input_format", "must be 'NCTHW_Heatmap', not 'NCTHW'"),
        ({"input_format": "NCTHW_Heatmap", "collapse": True}, "collapse", "must be false, not true"),
        ({}, "input_format", "FormatShape needs input_format"),
    ],
)
def test_another_format_is_refused(parameters: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(PipelineError, match=message) as error:
        run([TARGET, {"type": "FormatShape", **parameters}], numbered_clip(5))
    assert error.value.field == f"pipeline[1].{field}"
