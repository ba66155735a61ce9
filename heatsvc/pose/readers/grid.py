"""PersonGrid: persons found frame by frame, as the arrays of a clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from heatsvc.bounds import Bounds
from heatsvc.pose.clip import Float32, NoKeypointsError


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A person in a frame.

    Attributes:
        keypoint: [V, 2] in pixels.
        keypoint_score: [V].
    """

    keypoint: Float32
    keypoint_score: Float32


def fill_grid(frames: Sequence[Sequence[Found]], *, bounds: Bounds, file: str | None = None) -> tuple[Float32, Float32]:
    """Persons by their position in each frame as keypoint [M, T, V, 2] and keypoint_score [M, T, V].

    Estimators write the persons that they see: M is the most in any frame, and who is missing is zeros with score 0.

    Args:
        frames: for each frame its persons, all of one V.
        bounds: max_persons, max_frames and max_keypoints, and max_unpacked_bytes for the whole: one crowded frame
            in a long clip costs as much as if all were.

    Raises:
        NoKeypointsError: nobody in any frame.
        LimitError: beyond the bounds.
    """
    persons = max(map(len, frames), default=0)
    if persons == 0:
        raise NoKeypointsError("there is nobody in any frame: no keypoints", file=file)
    points = next(found.keypoint.shape[0] for frame in frames for found in frame)
    bounds.check("max_persons", persons, "persons", file=file)
    bounds.check("max_frames", len(frames), "frames", file=file)
    bounds.check("max_keypoints", points, "keypoints", file=file)
    bounds.check("max_unpacked_bytes", persons * len(frames) * points * 12, "bytes of keypoints", file=file)
    keypoint = np.zeros((persons, len(frames), points, 2), np.float32)
    score = np.zeros((persons, len(frames), points), np.float32)
    for t, frame in enumerate(frames):
        for m, found in enumerate(frame):
            keypoint[m, t], score[m, t] = found.keypoint, found.keypoint_score
    return keypoint, score
