"""DecompressPose: equal to PYSKL's at every stage; its parameters, its place in a pipeline, and bounds."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from heatsvc.bounds import DEFAULT_BOUNDS
from heatsvc.errors import InputError, LimitError
from heatsvc.pipeline import PipelineError, parse_pipeline
from heatsvc.pipeline.steps.step import PipelineState
from heatsvc.pose import PoseClip
from heatsvc.render.array import render_array
from tests.variants import load_variant

TARGET = {"type": "GeneratePoseTarget"}


def compressed(
    frame_inds: list[int], keypoint: npt.NDArray[Any] | None = None, total_frames: int | None = None
) -> PoseClip:
    """A clip of one point; row i is at (i + 1, i + 1) with the score 0.5."""
    if keypoint is None:
        keypoint = np.array([[[i + 1, i + 1, 0.5]] for i in range(len(frame_inds))], np.float32)
    return PoseClip.build(
        keypoint, img_shape=(64, 64), frame_inds=np.array(frame_inds, np.int64), total_frames=total_frames
    )


def decompressed(clip: PoseClip, **parameters: Any) -> list[Any]:
    """x of the only point by person and frame."""
    steps = [{"type": "DecompressPose", **parameters}, {"type": "PoseDecode"}, TARGET]
    return parse_pipeline(steps).run(clip).keypoint[..., 0, 0].tolist()


@pytest.mark.parametrize(
    ("name", "tolerance"), [("joint_squeeze", 2e-6), ("limb_double_clips", 1e-5), ("nosqueeze_max2", 2e-6)]
)
def test_every_stage_is_pyskls(name: str, tolerance: float):
    arrays, meta = load_variant(f"decompress_{name}")
    parameters = meta["params"]
    clip = PoseClip.build(
        arrays["keypoint"],
        img_shape=parameters["img_shape_hw"],
        frame_inds=arrays["frame_inds"].astype(np.int64),
        total_frames=parameters["total_frames"],
    )
    pipeline = parse_pipeline(parameters["pipeline"])
    state = PipelineState(
        *(clip.keypoint, clip.keypoint_score, *clip.img_shape, clip.layout, DEFAULT_BOUNDS, True, None, clip.compressed)
    )
    for step in pipeline.steps:
        if step.role == "target":
            np.testing.assert_array_equal(np.stack(state.coordinates(), axis=-1), arrays["keypoint_drawn"])
            assert state.coordinates()[0].dtype == arrays["keypoint_drawn"].dtype
            np.testing.assert_array_equal(state.keypoint_score, arrays["score_drawn"])
        step(state)
        if step.role == "decompress":
            np.testing.assert_array_equal(state.keypoint, arrays["person_keypoint"])
            np.testing.assert_array_equal(state.keypoint_score, arrays["person_score"])
            assert state.frames == parameters["total_frames_after"]
        elif step.role == "sample":
            np.testing.assert_array_equal(state.frame_inds, arrays["sampled_frame_inds"])
    imgs = render_array(pipeline.run(clip))
    assert imgs.shape == arrays["imgs"].shape
    np.testing.assert_allclose(imgs, arrays["imgs"], rtol=0, atol=tolerance)


def test_frames_without_a_person_are_left_out_or_empty():
    clip = compressed([0, 0, 3], total_frames=5)
    assert decompressed(clip) == [[1, 3], [2, 0]]
    assert decompressed(clip, squeeze=False) == [[1, 0, 0, 3, 0], [2, 0, 0, 0, 0]]
    assert decompressed(compressed([0, 0, 3]), squeeze=False) == [[1, 0, 0, 3], [2, 0, 0, 0]]


def test_where_a_frame_has_too_many_persons_the_highest_scores_are_kept():
    scores = [0.2, 0.9, 0.9, 0.1, 0.8]
    keypoint = np.array([[[i + 1, 1, score]] for i, score in enumerate(scores)], np.float32)
    clip = compressed([0, 0, 0, 1, 1], keypoint)
    assert decompressed(clip, max_person=2) == [[2, 5], [3, 4]]
    assert decompressed(clip, max_person=3) == [[1, 4], [2, 5], [3, 0]]


def test_coordinates_are_rounded_to_float16():
    clip = compressed([0], np.array([[[1001.3, 5, 1]]], np.float32))
    assert decompressed(clip) == [[1001.5]]


def test_a_compressed_clip_is_decompressed_by_every_pipeline():
    clip = compressed([0, 0, 3])
    assert parse_pipeline([{"type": "PoseDecode"}, TARGET]).run(clip).keypoint.shape == (2, 2, 1, 2)
    assert parse_pipeline([TARGET]).run(clip).keypoint[..., 0, 0].tolist() == [[1, 3], [2, 0]]


def test_other_clips_stay_as_they_are():
    clip = PoseClip.build(np.full((2, 3, 1, 2), 70_000.0), img_shape=(64, 64))
    volume = parse_pipeline([{"type": "DecompressPose", "max_person": 1}, TARGET]).run(clip)
    assert volume.keypoint.shape == (2, 3, 1, 2)


def test_it_is_the_first_step():
    with pytest.raises(PipelineError, match="DecompressPose must be the first step") as caught:
        parse_pipeline([{"type": "PoseDecode"}, {"type": "DecompressPose"}, TARGET])
    assert caught.value.field == "pipeline[1]"


def test_coordinates_beyond_float16_are_an_error():
    for row, field in (([70_000, 5, 1], "keypoint"), ([5, 5, 70_000], "keypoint_score")):
        with pytest.raises(InputError, match="must be within 65,504") as caught:
            compressed([0], np.array([[row]], np.float32))
        assert caught.value.field == field


def test_a_million_rows_in_a_frame_cost_little():
    keypoint = np.zeros((1_000_000, 1, 3), np.float32)
    clip = PoseClip.build(keypoint, img_shape=(64, 64), frame_inds=np.zeros(1_000_000, np.int64))
    steps = [{"type": "DecompressPose", "max_person": 10_000}, TARGET]
    tracemalloc.start()
    assert parse_pipeline([TARGET]).run(clip).keypoint.shape == (10, 1, 1, 2)
    with pytest.raises(LimitError, match=r"10,000 persons are too many.*max_persons"):
        parse_pipeline(steps).run(clip)
    assert tracemalloc.get_traced_memory()[1] < 60_000_000
    tracemalloc.stop()


def test_a_billion_frames_are_refused_before_they_are_allocated():
    with pytest.raises(LimitError, match=r"1,000,000,000 frames are too many.*max_frames"):
        compressed([0], total_frames=10**9)
    clip = compressed([0, *range(9_000)])
    bounds = replace(DEFAULT_BOUNDS, max_unpacked_bytes=200_000)
    with pytest.raises(LimitError, match=r"216,000 bytes of decompressed keypoints"):
        parse_pipeline([TARGET]).run(clip, bounds=bounds)
