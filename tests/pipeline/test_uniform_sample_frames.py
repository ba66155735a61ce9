"""Frames of clips that are shorter than, about as long as, and much longer than clip_len."""

from __future__ import annotations

import json

import numpy as np
import pytest

from heatsvc.bounds import Bounds
from heatsvc.errors import LimitError
from tests.golden import FOLDER
from tests.pipeline.clips import Step, frames_of, numbered_clip, run

_GOLDEN: dict[str, list[int]] = json.loads((FOLDER / "uniform_sample_frames.json").read_text())["frame_inds"]


def sampled(frames: int, *, test_mode: bool = True, seed: int | None = None, **parameters: object) -> list[int]:
    """The frames that `UniformSampleFrames` with those parameters takes of a clip."""
    steps: list[Step] = [{"type": "UniformSampleFrames", **parameters}, {"type": "PoseDecode"}]
    volume = run(steps, numbered_clip(frames, 1), test_mode=test_mode, seed=seed)
    return frames_of(volume).tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("case", _GOLDEN)
def test_frames_are_pyskls(case: str) -> None:
    frames, clip_len, num_clips = (int(number) for number in case.split("/"))
    assert sampled(frames, clip_len=clip_len, num_clips=num_clips) == _GOLDEN[case]


def test_a_short_clip_is_taken_whole_and_begins_again() -> None:
    assert sampled(3, clip_len=7) == [0, 1, 2, 0, 1, 2, 0]


def test_test_clips_of_a_short_clip_begin_at_equal_distances() -> None:
    assert sampled(4, clip_len=5, num_clips=2) == [0, 1, 2, 3, 0, 2, 3, 0, 1, 2]


def test_test_clips_of_a_very_short_clip_begin_at_one_frame_after_the_other() -> None:
    assert sampled(2, clip_len=3, num_clips=3) == [0, 1, 0, 1, 0, 1, 0, 1, 0]


def test_a_clip_of_equal_length_is_taken_whole() -> None:
    assert sampled(6, clip_len=6) == [0, 1, 2, 3, 4, 5]


def test_a_little_longer_clip_skips_single_frames() -> None:
    frames = np.array(sampled(9, clip_len=6))
    assert set(np.diff(frames)) == {1, 2}


def test_of_a_long_clip_each_segment_gives_a_frame() -> None:
    frames = sampled(100, clip_len=10)
    assert [frame // 10 for frame in frames] == list(range(10))


def test_p_interval_samples_from_a_part_of_the_clip() -> None:
    for seed in range(20):
        frames = sampled(100, clip_len=10, p_interval=0.2, test_mode=False, seed=seed)
        assert frames == sorted(frames)
        assert frames[-1] - frames[0] < 20


def test_a_p_interval_of_a_very_short_clip_still_gives_frames() -> None:
    assert sampled(1, clip_len=2, p_interval=[0.1, 0.4], test_mode=False, seed=3) == [0, 0]


def test_in_test_mode_the_steps_own_seed_is_used() -> None:
    steps: list[Step] = [{"type": "UniformSampleFrames", "clip_len": 8}, {"type": "PoseDecode"}]
    other: list[Step] = [{"type": "UniformSampleFrames", "clip_len": 8, "seed": 1}, {"type": "PoseDecode"}]
    clip = numbered_clip(100)
    first = frames_of(run(steps, clip)).tolist()
    assert frames_of(run(steps, clip, seed=4)).tolist() == first
    assert frames_of(run(other, clip)).tolist() != first


def test_without_test_mode_the_runs_seed_is_used() -> None:
    assert sampled(100, clip_len=8, test_mode=False, seed=1) == sampled(100, clip_len=8, test_mode=False, seed=1)
    assert sampled(100, clip_len=8, test_mode=False, seed=1) != sampled(100, clip_len=8, test_mode=False, seed=2)


def test_scores_are_taken_with_their_frames() -> None:
    clip = numbered_clip(4, 1)
    clip.keypoint_score[0, :, 0] = [0.1, 0.2, 0.3, 0.4]
    volume = run([{"type": "UniformSampleFrames", "clip_len": 6}, {"type": "PoseDecode"}], clip)
    assert volume.keypoint_score[0, :, 0].tolist() == np.array([0.1, 0.2, 0.3, 0.4, 0.1, 0.2], np.float32).tolist()


def test_frames_are_limited_before_they_are_sampled() -> None:
    with pytest.raises(LimitError, match=r"100,000,000 frames, which is more than 16 times .*max_frames") as error:
        sampled(5, clip_len=10_000, num_clips=10_000)
    assert error.value.field == "pipeline[0].clip_len"


def test_points_are_limited_before_they_are_sampled() -> None:
    steps: list[Step] = [{"type": "UniformSampleFrames", "clip_len": 1000}, {"type": "PoseDecode"}]
    with pytest.raises(LimitError, match="max_unpacked_bytes"):
        run(steps, numbered_clip(2), bounds=Bounds(max_unpacked_bytes=1000 * 17 * 12 - 1))
