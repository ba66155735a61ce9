"""Small clips, and the shortest way through a pipeline."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.pipeline import parse_pipeline
from heatsvc.pose import Layout, PoseClip
from heatsvc.volume import HeatmapVolume

NAN = float("nan")
Step = dict[str, Any]


def clip_of(
    points: Any, *, score: Any = None, img_shape: tuple[int, int] = (100, 200), layout: Layout | None = None
) -> PoseClip:
    """One person and one frame of points [V, 2], or more of them with more axes; the frame is 200 wide and 100 high."""
    keypoint = np.array(points, np.float32)
    keypoint_score = None if score is None else np.array(score, np.float32)
    return PoseClip.build(keypoint, keypoint_score, img_shape=img_shape, layout=layout)


def numbered_clip(frames: int, points: int = 17) -> PoseClip:
    """A clip whose points are x = 1 + frame index, y = 1 + point index."""
    t, v = np.meshgrid(np.arange(frames), np.arange(points), indexing="ij")
    return clip_of(np.stack([t + 1, v + 1], axis=-1)[None], img_shape=(64, 64))


def run(
    steps: list[Step],
    clip: PoseClip,
    *,
    reduce: str = "none",
    test_mode: bool = True,
    seed: int | None = None,
    bounds: Bounds = DEFAULT_BOUNDS,
) -> HeatmapVolume:
    """The clip through the steps, with a GeneratePoseTarget at the end where there is none."""
    if not any(step["type"] == "GeneratePoseTarget" for step in steps):
        steps = [*steps, {"type": "GeneratePoseTarget"}]
    return parse_pipeline(steps, reduce=reduce).run(clip, test_mode=test_mode, seed=seed, bounds=bounds)


def points_of(volume: HeatmapVolume) -> list[list[float]]:
    """[V, 2] of a volume of one person and one frame."""
    assert volume.keypoint.shape[:2] == (1, 1)
    return volume.keypoint[0, 0].tolist()  # type: ignore[no-any-return]


def frames_of(volume: HeatmapVolume) -> npt.NDArray[np.int64]:
    """Which frames of a `numbered_clip` a volume holds."""
    return volume.keypoint[0, :, 0, 0].astype(np.int64) - 1
