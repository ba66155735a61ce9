"""select_points: selects a subset of a clip's points, by a layout's name or by index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from heatsvc.bounds import BYTES_PER_POINT, DEFAULT_BOUNDS, Bounds
from heatsvc.pose.clip import PoseClip
from heatsvc.pose.errors import PoseError
from heatsvc.pose.findings import Finding
from heatsvc.pose.layouts import Layout, LayoutError, get_layout

MissingPoints = Literal["missing", "error"]
"""What to do if a clip lacks selected points: treat them as not detected, or raise an error."""

_SHOWN = 3


def select_points(
    clip: PoseClip,
    select: str | Sequence[int],
    bounds: Bounds = DEFAULT_BOUNDS,
    *,
    missing_points: MissingPoints = "missing",
) -> PoseClip:
    """Return the clip with only the selected points, in the order of `select`.

    Args:
        clip: a clip of V points.
        select: name of a layout, whose points are found by name in the clip's layout; or indices from 0 to V - 1.
            Indices keep names, limbs and sides, unless an index is repeated: the result then has no layout.
        bounds: max_keypoints, and max_unpacked_bytes for the result.
        missing_points: what to do if the clip lacks points of the layout. ``missing`` sets them to NaN with score 0,
            and adds a finding; ``error`` raises LayoutError.

    Raises:
        LayoutError: the layout does not exist, or the clip has none of its points, or lacks some and `missing_points`
            is ``error``.
        PoseError: the clip's layout is unknown, or an index is out of range.
        LimitError: there are more points than `bounds` allow.
    """
    if not isinstance(select, str):
        select = _checked(select)
        bounds.check("max_keypoints", len(select), "points to select", field="select")
        _check_size(clip, len(select), bounds)
        indices = _indices(select, clip.points)
        layout = None if clip.layout is None else _subset(clip.layout, tuple(select))
        return _take(clip, indices, layout)
    if missing_points not in get_args(MissingPoints):
        known = ", ".join(get_args(MissingPoints))
        raise PoseError(f"missing_points must be one of {known}, not {missing_points!r:.40}", field="missing_points")
    try:
        target = get_layout(select)
    except LayoutError as error:
        error.field = "select"
        raise
    if clip.layout is None:
        raise PoseError(
            f"{select} cannot be selected from {clip.points} points of an unknown layout: set layout to its name, "
            "or select points by index",
            field="select",
        )
    if target is clip.layout:
        return clip
    indices, missing = _lookup(target, clip.layout)
    if missing:
        return _with_missing(clip, indices, missing, target, bounds, missing_points)
    return _take(clip, indices, target)


@lru_cache(maxsize=64)
def _lookup(target: Layout, source: Layout) -> tuple[npt.NDArray[np.intp], tuple[str, ...]]:
    """The index of each of the target's points, and the names of those that the source does not have."""
    indices = np.array(target.indices_in(source), np.intp)
    return indices, tuple(point for point in target.points if point not in source.index)


@lru_cache(maxsize=64)
def _subset(layout: Layout, indices: tuple[int, ...]) -> Layout | None:
    return layout.subset(indices) if len(set(indices)) == len(indices) else None


def _with_missing(
    clip: PoseClip,
    indices: npt.NDArray[np.intp],
    missing: tuple[str, ...],
    target: Layout,
    bounds: Bounds,
    missing_points: MissingPoints,
) -> PoseClip:
    """The target's points, those that the clip lacks as not detected."""
    source = clip.layout.name if clip.layout else ""
    few = ", ".join(missing[:_SHOWN]) + (" ..." if len(missing) > _SHOWN else "")
    if missing_points == "error" or len(missing) == len(target.points):
        raise LayoutError(
            f"{target.name} cannot be selected from {source}: it lacks {len(missing)} points ({few})", field="select"
        )
    _check_size(clip, len(target.points), bounds)
    selected = _take(clip, indices, target)
    absent = indices < 0
    selected.keypoint[:, :, absent] = np.nan
    selected.keypoint_score[:, :, absent] = 0
    finding = Finding(
        "missing_points",
        f"{len(missing)} of the {len(target.points)} points of {target.name} are not in {source} ({few}): "
        "they are treated as not detected; `missing_points: error` refuses such clips",
    )
    return replace(selected, findings=(*selected.findings, finding))


def _check_size(clip: PoseClip, points: int, bounds: Bounds) -> None:
    size = clip.persons * clip.frames * points * BYTES_PER_POINT
    bounds.check("max_unpacked_bytes", size, "bytes of selected keypoints", field="select")


def _checked(select: Sequence[int]) -> tuple[int, ...]:
    """Indices as Python's numbers; NumPy's arrays are accepted."""
    indices = select.tolist() if isinstance(select, np.ndarray) else list(select)
    if not all(isinstance(index, int | np.integer) and not isinstance(index, bool) for index in indices):
        raise PoseError("select must be a layout's name or indices of points, such as [0, 5, 6]", field="select")
    return tuple(int(index) for index in indices)


def _indices(select: Sequence[int], points: int) -> npt.NDArray[np.intp]:
    for i, index in enumerate(select):
        if not 0 <= index < points:
            raise PoseError(
                f"point {str(index)[:20]} does not exist: points are 0 to {points - 1}", field=f"select[{i}]"
            )
    if not select:
        raise PoseError("select is empty: at least one point is needed", field="select")
    return np.array(select, np.intp)


def _take(clip: PoseClip, indices: npt.NDArray[np.intp], layout: Layout | None) -> PoseClip:
    return replace(
        clip,
        keypoint=np.take(clip.keypoint, indices, axis=2),
        keypoint_score=np.take(clip.keypoint_score, indices, axis=2),
        layout=layout,
    )
