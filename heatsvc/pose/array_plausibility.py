"""Checks the plausibility of input arrays: the order of their axes, third numbers, numbers of frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from heatsvc.pose.findings import Finding, ImplausibleError, Interpretation
from heatsvc.pose.layouts import KEYPOINT_COUNTS
from heatsvc.pose.plausibility import HIGHEST_SCORE, LOWEST_SCORE, MAX_NORMALIZED, MIN_POINTS

_MIN_CROWD = 16
"""An array with at least this number of persons, and more persons than frames, is considered [T, M, V, C]; so is one
with five or more persons in a single frame, since clips of a few frames are rare."""
_MAX_PERSONS = 10
"""Maximum length of the second axis of an array that is considered [T, M, V, C]."""
_MAX_MOTION = 0.2
"""Between two frames, points move by less than this fraction of the distance between two persons."""
_MANY_NEGATIVE = 0.25
"""Fraction of negative numbers that normalized coordinates do not reach, although some points are outside the frame."""
_GRAPH_POINTS = (18, 25)
"""V of ST-GCN's files, (C, T, V, M) with three numbers and two persons: Kinetics with OpenPose, and NTU with Kinect."""


_FLAT_MEDIAPIPE = {
    99: "33 points of the pose, x, y, z each,",
    132: "33 points of the pose, x, y, z, visibility each,",
    225: "33 points of the pose and 42 of the hands, x, y, z each,",
    258: "33 points of the pose (x, y, z, visibility each) and 42 of the hands (x, y, z each)",
    1629: "543 points of Holistic, x, y, z each,",
}
"""Rows that tutorials save, by their length; only rows of 1,662 numbers are supported."""


def judge_array(
    keypoint: npt.NDArray[Any],
    keypoint_score: npt.NDArray[Any] | None,
    interpretation: Interpretation,
    total_frames: object,
    field: str,
    file: str | None,
    *,
    are_axes_known: bool,
    is_layout_known: bool,
) -> tuple[Finding, ...]:
    """Check an array [.., V, C] with two or three numbers per point; for arguments see `PoseClip.build`.

    Args:
        is_layout_known: whether a layout has V points, so that no other axis can be the axis of points.

    Raises:
        ImplausibleError: the array is impossible, and `interpretation` does not accept that.
    """
    if interpretation.plausibility == "ignore" or not keypoint.size:
        return ()
    found = []
    frames = keypoint.shape[-3] if keypoint.ndim > 2 else 1
    count = None if total_frames is None else judge_frame_count(total_frames, frames, field)
    if not are_axes_known and (total_frames is None or count):
        axes = None if is_layout_known else judge_keypoint_axis(keypoint)
        if axes is None and keypoint.ndim == 4:
            axes = judge_axes(keypoint, has_score=keypoint_score is not None)
        found.append(axes)
    found.append(count)
    if keypoint_score is not None and keypoint.shape[-1] == 3 and interpretation.project is None:
        found.append(judge_third_numbers(keypoint, keypoint_score))
    findings = tuple(finding for finding in found if finding)
    if findings and interpretation.plausibility == "error":
        name = "total_frames" if findings[0].code == "frame_count" else "keypoint"
        raise ImplausibleError(findings[0], field=f"{field}{name}", file=file)
    return findings


def judge_third_numbers(keypoint: npt.NDArray[Any], score: npt.NDArray[Any]) -> Finding | None:
    """Check keypoints [..., 3] with separate scores [...]: third numbers must be equal to them, or visibility flags."""
    third = keypoint[..., 2]
    score = score.reshape(third.shape) if score.size == third.size else score
    if keypoint.dtype.kind not in "fiu" or score.dtype.kind not in "fiu":
        return None
    if third.size < MIN_POINTS or score.shape != third.shape or np.isin(third, (0, 1, 2)).all():
        return None
    if np.mean(np.abs(third - score) > 1e-2) <= 0.01:
        return None
    return Finding(
        "depth_as_score",
        "the third numbers of keypoint differ from keypoint_score: "
        "set `project: xy` if they are depths, or leave one of them out",
    )


def judge_normalized(points: npt.NDArray[np.float32]) -> Finding | None:
    """Check points [..., 2] that are declared as normalized: most must be within or near 0 to 1."""
    x, y = points[..., 0], points[..., 1]
    present = ((x != 0) | (y != 0)) & ~np.isnan(x)
    reach = np.maximum(np.abs(x), np.abs(y))[present]
    if reach.size >= MIN_POINTS and np.mean(points[present] < 0) > _MANY_NEGATIVE:
        text = "`coordinates: normalized` is for coordinates from 0 to 1, but many are negative"
        return Finding("not_normalized", f"{text}: they may be from -1 to 1, or in meters; convert them to pixels")
    if reach.size < MIN_POINTS or np.mean(reach > MAX_NORMALIZED) <= 0.5:
        return None
    text = f"`coordinates: normalized` is for coordinates from 0 to 1, but they reach {reach.max():.4g}"
    return Finding("not_normalized", f"{text}: leave the option out if they are pixels")


def judge_frame_count(total_frames: object, frames: int, field: str) -> Finding | None:
    """Check an annotation's total_frames against the number of frames; `field` is a prefix for the message."""
    if isinstance(total_frames, int | float | np.integer | np.floating) and total_frames == frames:
        return None
    is_shown = isinstance(total_frames, int | np.integer) and abs(int(total_frames)) < 1 << 63
    shown = total_frames if is_shown else type(total_frames).__name__
    return Finding(
        "frame_count",
        f"{field}total_frames is {shown}, but keypoint has {frames} frames: correct total_frames, or leave it out",
    )


def judge_frame_inds(frame_inds: npt.NDArray[Any], total_frames: int | None, field: str) -> Finding | None:
    """Check the frames [N] of the rows of a compressed annotation: from 0 to total_frames - 1."""
    if total_frames is not None and not (frame_inds.min() >= 0 and frame_inds.max() < total_frames):
        text = f"frame_inds are {frame_inds.min()} to {frame_inds.max()}, but total_frames is {total_frames}"
        return Finding("frame_count", f"{field}{text}: frames must be from 0 to total_frames - 1")
    return None


def judge_axes(keypoint: npt.NDArray[Any], *, has_score: bool) -> Finding | None:
    """Check the order of four axes, [M, T, V, C] with C = 2 or 3.

    Args:
        keypoint: the array, with axes of any length.
        has_score: whether there are separate scores.
    """
    persons, frames, points, columns = keypoint.shape
    sides = list(keypoint.shape)
    if persons == 3 and (
        _has_score_slice(keypoint) or (columns == 2 and points in _GRAPH_POINTS and not has_score and frames > 1)
    ):
        return Finding(
            "axes",
            f"keypoint {sides} seems to be (C, T, V, M), with x, y and score in its first axis: "
            "use keypoint.transpose(3, 1, 2, 0) for [M, T, V, C]; or, if there are three persons, set total_frames",
        )
    if persons >= 3 and _seems_frames_first(keypoint):
        return Finding(
            "axes",
            f"keypoint {sides} seems to be [T, M, V, C], {persons} frames of {frames} persons: "
            "use keypoint.transpose(1, 0, 2, 3) for [M, T, V, C]; or set total_frames if they are persons",
        )
    return None


def judge_keypoint_axis(keypoint: npt.NDArray[Any]) -> Finding | None:
    """Check [T, V, C] or [M, T, V, C] if no layout has V points, but another axis has the length of a layout.

    Args:
        keypoint: the array.
    """
    sides, last = list(keypoint.shape), keypoint.ndim - 2
    if keypoint.dtype.kind not in "fiu" or keypoint.ndim not in (3, 4) or KEYPOINT_COUNTS.isdisjoint(sides[:last]):
        return None
    if keypoint.ndim == 4 and sides[last] <= _MAX_PERSONS and max(sides[0], sides[1]) > sides[last]:
        right = ("2, 0, 1, 3", "[T, V, M, C]") if sides[1] in KEYPOINT_COUNTS else ("2, 1, 0, 3", "[V, T, M, C]")
    else:
        frames = np.array(keypoint[..., :64, :64, :2], np.float32).reshape(-1, *keypoint[..., :64, :64, :2].shape[-3:])
        frames[(frames == 0).all(axis=-1) | ~np.isfinite(frames).all(axis=-1)] = np.nan
        in_frames, in_points = _steps(frames, 1), _steps(frames, 2)
        if min(in_frames.size, in_points.size) < 2 * MIN_POINTS:
            return None
        if not 0 < np.median(in_points) < _MAX_MOTION * np.median(in_frames):
            return None
        right = ("1, 0, 2", "[V, T, C]") if keypoint.ndim == 3 else ("0, 2, 1, 3", "[M, V, T, C]")
    return Finding(
        "axes",
        f"keypoint {sides} seems to be {right[1]}: use keypoint.transpose({right[0]}) for [M, T, V, C] or [T, V, C]",
    )


def _has_score_slice(keypoint: npt.NDArray[Any]) -> bool:
    """Whether the third slice of (3, ...) is from 0 to 1, like scores, and the others mostly are not."""
    if keypoint.dtype.kind not in "fiu":
        return False
    first, second, third = (part[np.isfinite(part)] for part in keypoint)
    if min(first.size, second.size, third.size) < MIN_POINTS:
        return False
    is_score = third.min() >= LOWEST_SCORE and third.max() <= HIGHEST_SCORE
    return bool(is_score and all(np.mean(np.abs(part) > HIGHEST_SCORE) > 0.5 for part in (first, second)))


def _seems_frames_first(keypoint: npt.NDArray[Any]) -> bool:
    """Whether the first axis of [M, T, V, C] seems to be frames: a crowd in few frames, or points that move along it.

    Points move little along the axis of frames, but jump between persons. The first 16 steps of each axis and the first
    64 points are compared; points that do not move at all are copies of a person.
    """
    if keypoint.dtype.kind not in "fiu":
        return False
    points = np.array(keypoint[:16, :16, :64, :2], np.float32)
    points[(points == 0).all(axis=-1) | ~np.isfinite(points).all(axis=-1)] = np.nan
    in_first, in_second = (_steps(points, axis) for axis in (0, 1))
    persons, frames = keypoint.shape[:2]
    if persons > frames and (persons >= _MIN_CROWD or (frames == 1 and persons >= MIN_POINTS)):
        return bool(in_first.any())
    if frames > _MAX_PERSONS and persons <= frames:
        return False
    if min(in_first.size, in_second.size) < 2 * MIN_POINTS:
        return False
    return bool(0 < np.median(in_first) < _MAX_MOTION * np.median(in_second))


def _steps(points: npt.NDArray[np.float32], axis: int) -> npt.NDArray[np.float32]:
    """How far x and y move along an axis; NaN are ignored."""
    with np.errstate(over="ignore"):
        moved: npt.NDArray[np.float32] = np.abs(np.diff(points, axis=axis))
    return moved[~np.isnan(moved)]


def axes_hint(shape: Sequence[int]) -> str:
    """What the axes of an invalid array may be, for the end of a message; "" if unknown."""
    if len(shape) in (3, 4) and shape[-1] == 4:
        return "; they seem to be x, y, z and visibility: use keypoint[..., [0, 1, 3]]"
    if len(shape) in (1, 2) and shape[-1] in _FLAT_MEDIAPIPE:
        return f"; it seems to be MediaPipe's {_FLAT_MEDIAPIPE[shape[-1]]} in a row: send x, y and score of each point"
    if len(shape) == 5:
        return ": send one clip at a time; for (N, C, T, V, M) use keypoint[n].transpose(3, 1, 2, 0)"
    if len(shape) == 4 and shape[0] in (2, 3):
        return "; it seems to be (C, T, V, M): use keypoint.transpose(3, 1, 2, 0)"
    if len(shape) in (3, 4):
        for axis in range(len(shape) - 2, -1, -1):
            if shape[axis] in (2, 3):
                return f"; its axis {axis} seems to be x, y and score: use np.moveaxis(keypoint, {axis}, -1)"
    if len(shape) == 2 and shape[1] % 3 == 0 and shape[1] > 4:
        points = shape[1] // 3
        return f"; it seems to be x, y, score of {points} points in a row: use keypoint.reshape(-1, {points}, 3)"
    return ""
