"""Behind a crop coordinates are float64, and so are the ends of windows: PYSKL's own results, and 1,000 clips."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from heatsvc.bounds import DEFAULT_BOUNDS
from heatsvc.pipeline import parse_pipeline
from heatsvc.pipeline.steps.center_crop import crop
from heatsvc.pipeline.steps.generate_pose_target import GeneratePoseTarget
from heatsvc.pipeline.steps.resize import Resize
from heatsvc.pipeline.steps.step import PipelineState
from heatsvc.pose import PoseClip
from heatsvc.render.array import render_array
from tests.variants import load_variant

Float32 = npt.NDArray[np.float32]


pytestmark = pytest.mark.usefixtures("each_kernels")


@pytest.mark.parametrize("number", range(6))
def test_center_crops(number: int) -> None:
    arrays, meta = load_variant("crop_float64_window")
    case, keypoint = meta["params"]["cases"][number], arrays[f"keypoint_{number}"]
    clip = PoseClip.build(keypoint, np.ones(keypoint.shape[:3], np.float32), img_shape=case["img_shape_hw"])
    volume = parse_pipeline(case["pipeline"]).run(clip)
    np.testing.assert_array_equal(volume.keypoint, arrays[f"keypoint_drawn_{number}"])
    np.testing.assert_allclose(render_array(volume), arrays[f"imgs_{number}"], rtol=0, atol=1e-5)


def crop_and_render(
    keypoint: Float32, score: Float32, before: Resize | None, box: tuple[int, ...], after: Resize, **target: object
) -> tuple[npt.NDArray[np.float64], Float32]:
    """A clip in a frame of 200 x 200 after a resize, a crop to left, top, right, bottom, and another resize."""
    state = PipelineState(keypoint, score, 200, 200, None, DEFAULT_BOUNDS, test_mode=True)
    if before is not None:
        before(state)
    left, top, right, bottom = box
    crop(state, left, top, right - left, bottom - top)
    after(state)
    GeneratePoseTarget(**target)(state)
    volume = state.volume()
    assert volume.keypoint.dtype == np.float64
    return volume.keypoint, render_array(volume)


@pytest.mark.parametrize("number", range(6))
def test_random_crops(number: int) -> None:
    arrays, _ = load_variant("randomresizedcrop_float64_window")
    keypoint, rendered = crop_and_render(
        arrays[f"keypoint_{number}"],
        arrays[f"score_{number}"],
        Resize(scale=(-1, 64)),
        tuple(map(int, arrays[f"crop_bbox_{number}"])),
        Resize(scale=(56, 56), keep_ratio=False),
    )
    np.testing.assert_array_equal(keypoint, arrays[f"keypoint_drawn_{number}"])
    np.testing.assert_allclose(rendered, arrays[f"imgs_{number}"], rtol=0, atol=1e-5)


def twin(ends: npt.NDArray[np.float64], scores: Float32, sigma: float, side: int) -> Float32:
    """PYSKL's map of a limb, or of a keypoint with `ends` of one point. ends: [1 or 2, 2].

    Windows in float64, distances in float32 from ends that were rounded to it.
    """
    image = np.zeros((side, side), np.float32)
    low, high = ends.min(axis=0), ends.max(axis=0)
    (x0, y0), (x1, y1) = (
        (max(int(end - 3 * sigma), 0) for end in low),
        (min(int(end + 3 * sigma) + 1, side) for end in high),
    )
    x, y = np.arange(x0, x1, dtype=np.float32), np.arange(y0, y1, dtype=np.float32)[:, None]
    length = ((ends[0] - ends[-1]) ** 2).sum()
    if len(ends) == 2 and length < 1:
        return twin(ends[:1], scores[:1], sigma, side)
    squared = [(x - np.float32(end[0])) ** 2 + (y - np.float32(end[1])) ** 2 for end in ends]
    distance = squared[0]
    if len(ends) == 2:
        share = ((squared[0] - squared[1] + length) / 2 / length).clip(0, 1)
        near_x, near_y = (ends[0, axis] + share * (ends[1, axis] - ends[0, axis]) for axis in (0, 1))
        distance = (x - near_x) ** 2 + (y - near_y) ** 2
    image[y0:y1, x0:x1] = np.exp(-distance / (2 * sigma**2)) * scores.min()
    return image


@pytest.mark.parametrize("with_limb", [False, True])
def test_a_thousand_clips_of_whole_pixels(with_limb: bool) -> None:
    rng = np.random.default_rng(11)
    differ = 0
    for _ in range(1_000):
        side, sigma = int(rng.choice([48, 56, 64])), float(rng.choice([0.6, 1.0]))
        left, top = (int(corner) for corner in rng.integers(0, 100, 2))
        box = left, top, left + int(rng.integers(40, 101)), top + int(rng.integers(40, 101))
        keypoint = rng.integers((left, top), (left + 50, top + 50), (1, 1, 4, 2)).astype(np.float32)
        score = rng.uniform(0.1, 1, (1, 1, 4)).astype(np.float32)
        channels = [[0, 1], [1, 2], [2, 3]] if with_limb else [[0], [1], [2], [3]]
        resize = Resize(scale=(side, side), keep_ratio=False)
        target = {
            "sigma": sigma,
            "with_kp": not with_limb,
            "with_limb": with_limb,
            "skeletons": ((0, 1), (1, 2), (2, 3)),
        }
        _, rendered = crop_and_render(keypoint, score, None, box, resize, **target)
        sides = np.array([box[2] - box[0], box[3] - box[1]])
        ends = (keypoint[0, 0] - np.array(box[:2], np.int64)) * (side / sides).astype(np.float32)
        assert ends.dtype == np.float64
        expected = np.stack([twin(ends[channel], score[0, 0, channel], sigma, side) for channel in channels])
        np.testing.assert_allclose(rendered[0], expected, rtol=0, atol=2e-5 if with_limb else 2e-6)
        rounded = ends.astype(np.float32).astype(np.float64)
        differ += any(
            np.abs(twin(rounded[c], score[0, 0, c], sigma, side) - image).max() > 1e-3
            for c, image in zip(channels, expected, strict=True)
        )
    assert differ > 10  # clips on which windows in float32 would show
