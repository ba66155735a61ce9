"""Splits MediaPipe Holistic's landmarks in rows of 1,662 numbers per frame, as tutorials save them.

A row has x, y, z and visibility of 33 pose landmarks, then x, y and z of 468 face landmarks, 21 of the left hand and 21
of the right hand; x and y are from 0 to 1, and a part that was not detected is all zeros.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

LENGTH = 33 * 4 + 468 * 3 + 21 * 3 + 21 * 3
"""Length of a row, the last axis of [T, 1662] and [1662]."""

LAYOUT = "mediapipe_holistic"
"""The layout of its 543 points."""

_POSE = 33 * 4
_OTHERS = ((132, 468), (132 + 468 * 3, 21), (132 + 489 * 3, 21))
"""Where each part after the pose starts in a row, and its points."""


def split_flat_holistic(array: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Split [T, 1662] or [1662] into keypoint [T, 543, 2], x and y from 0 to 1, and score [T, 543].

    The score of a pose landmark is its visibility. Other landmarks have score 1, or 0 if the part is all zeros.
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
