"""MediaPipe Holistic's landmarks as one row of 1,662 numbers a frame, the form that tutorials save them in.

33 pose landmarks of x, y, z and visibility, then x, y and z of 468 face landmarks, 21 of the left hand and 21 of the
right; x and y are 0..1 of the frame, and a part that was not detected is all zeros.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

LENGTH = 33 * 4 + 468 * 3 + 21 * 3 + 21 * 3
"""Numbers in a row, the last axis of [T, 1662] and [1662]."""

LAYOUT = "mediapipe_holistic"
"""The layout of its 543 points."""

_POSE = 33 * 4
_OTHERS = ((132, 468), (132 + 468 * 3, 21), (132 + 489 * 3, 21))
"""Where each part after the pose starts in a row, and its points."""


def split_flat_holistic(array: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Keypoint [T, 543, 2], x and y in 0..1 of the frame, and score [T, 543] of [T, 1662] or [1662].

    The score of a pose landmark is its visibility. The others have none: theirs is 1, or 0 where the part is all zeros.
    """
    rows = array.reshape(-1, LENGTH)
    pose = rows[:, :_POSE].reshape(-1, 33, 4)
    points, scores = [pose[..., :2]], [pose[..., 3]]
    for start, count in _OTHERS:
        part = rows[:, start : start + 3 * count].reshape(-1, count, 3)
        points.append(part[..., :2])
        scores.append(
            np.broadcast_to((part != 0).any(axis=(1, 2), keepdims=True)[..., 0], part.shape[:2]).astype(rows.dtype)
        )
    return np.concatenate(points, axis=1), np.concatenate(scores, axis=1)
