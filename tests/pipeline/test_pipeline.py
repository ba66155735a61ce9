"""Pipeline: seeds, equality, and clips as volumes."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from heatsvc.bounds import Bounds
from heatsvc.cancel import CancelledError, CancelToken
from heatsvc.errors import LimitError
from heatsvc.pipeline import PipelineError, parse_pipeline
from heatsvc.pose import LAYOUTS
from tests.pipeline.clips import Step, clip_of, numbered_clip, points_of, run

TARGET: Step = {"type": "GeneratePoseTarget"}
SAMPLE: Step = {"type": "UniformSampleFrames", "clip_len": 4}
DECODE: Step = {"type": "PoseDecode"}


def test_equal_pipelines_are_equal_and_can_be_keys() -> None:
    collect: Step = {"type": "Collect", "keys": ["imgs"]}
    one, other = parse_pipeline([TARGET, collect]), parse_pipeline([TARGET, collect])
    assert one == other
    assert hash(one) == hash(other)
    one.run(numbered_clip(1))
    assert one == other
    assert one != parse_pipeline([TARGET, collect], reduce="max")
    assert one != parse_pipeline([{**TARGET, "sigma": 1.0}, collect])


def test_a_pipeline_can_be_pickled() -> None:
    pipeline = parse_pipeline("posec3d-test-limb")
    volume = pipeline.run(numbered_clip(60))
    sent = pickle.loads(pickle.dumps(pipeline))
    assert sent == pipeline
    np.testing.assert_array_equal(sent.run(numbered_clip(60)).mirror, volume.mirror)


@pytest.mark.parametrize(
    ("steps", "random"),
    [
        ([TARGET], False),
        ([SAMPLE, DECODE, TARGET], True),
        ([{"type": "RandomResizedCrop"}, TARGET], True),
        ([{"type": "Flip"}, TARGET], True),
        ([{"type": "Flip", "flip_ratio": 1.0}, TARGET], False),
        ([{"type": "Flip", "flip_ratio": 0}, TARGET], False),
        ("view", False),
        ("posec3d-train", True),
    ],
)
def test_is_random_where_the_seed_matters(steps: Any, random: bool) -> None:
    assert parse_pipeline(steps).is_random is random


def test_random_steps_share_one_generator_in_test_mode_too() -> None:
    flip: Step = {"type": "Flip", "flip_ratio": 0.5, "left_kp": [], "right_kp": []}
    flipped = [
        run([{**SAMPLE, "seed": seed}, DECODE, flip], numbered_clip(4, 1)).keypoint[0, 0, 0, 0] != 1
        for seed in range(20)
    ]
    assert set(flipped) == {True, False}


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_numpy_does_not_take_is_refused(seed: int) -> None:
    with pytest.raises(PipelineError, match="from 0 to 4294967295") as error:
        run([TARGET], numbered_clip(1), seed=seed)
    assert error.value.field == "seed"


@pytest.mark.parametrize(("spec", "test_mode"), [("view", False), ("posec3d-train", True)])
def test_without_random_steps_there_is_no_seed(spec: str, test_mode: bool) -> None:
    assert parse_pipeline(spec).resolve_seed(3, test_mode=test_mode) is None


def test_a_seed_is_kept_and_a_missing_one_is_chosen() -> None:
    pipeline = parse_pipeline("posec3d-train")
    assert pipeline.resolve_seed(3, test_mode=False) == 3
    assert len({pipeline.resolve_seed(None, test_mode=False) for _ in range(4)}) > 1


def test_clip_i_samples_with_seed_plus_i() -> None:
    pipeline = parse_pipeline([SAMPLE, DECODE, TARGET])
    clip = numbered_clip(60)
    first, second = pipeline.describe_volumes([clip, clip], test_mode=False, seed=2**32 - 1)
    for volume, seed in ((first, 2**32 - 1), (second, 0)):
        expected = pipeline.run(clip, test_mode=False, seed=seed)
        np.testing.assert_array_equal(volume.keypoint, expected.keypoint)


def test_points_are_selected_before_the_first_step() -> None:
    clip = clip_of([[1, 2], [3, 4], [5, 6]])
    (volume,) = parse_pipeline([TARGET]).describe_volumes([clip], select=[2, 0])
    assert points_of(volume) == [[5, 6], [1, 2]]
    clip = numbered_clip(1, 133)
    (volume,) = parse_pipeline([TARGET]).describe_volumes([clip], select="sign27")
    assert volume.channels == len(LAYOUTS["sign27"].points)


def test_the_points_of_all_volumes_together_are_limited() -> None:
    clip = numbered_clip(10)  # 10 x 17 x 12 bytes
    pipeline = parse_pipeline([TARGET])
    assert len(pipeline.describe_volumes([clip] * 4, bounds=Bounds(max_unpacked_bytes=8160))) == 4
    with pytest.raises(LimitError, match="10,200 bytes of keypoints, sampled and selected"):
        pipeline.describe_volumes([clip] * 5, bounds=Bounds(max_unpacked_bytes=8160))


def test_it_ends_when_cancelled() -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(CancelledError):
        parse_pipeline([TARGET]).describe_volumes([numbered_clip(1)], token=token)
