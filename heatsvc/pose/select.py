"""select_points: a subset of a clip's points, by a layout's name or by index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.pose.clip import BYTES_PER_POINT, PoseClip
from heatsvc.pose.errors import PoseError
from heatsvc.pose.layouts import Layout, LayoutError, get_layout


def select_points(clip: PoseClip, select: str | Sequence[int], bounds: Bounds = DEFAULT_BOUNDS) -> PoseClip:
    """The clip with the selected points only, in their order.

    Args:
        clip: of V points.
        select: name of a layout, whose points are found by name in the clip's layout; or indices from 0 to V - 1,
            which may repeat: the result has no layout then.
        bounds: max_keypoints, and max_unpacked_bytes of the result.

    Raises:
        LayoutError: no such layout, or the clip's layout lacks some of its points.
        PoseError: the clip's layout is unknown, or an index is out of range.
        LimitError: more points than `bounds` allow.
    """
    if not isinstance(select, str):
        bounds.check("max_keypoints", len(select), "points to select", field="select")
        size = clip.persons * clip.frames * len(select) * BYTES_PER_POINT
        bounds.check("max_unpacked_bytes", size, "bytes of selected keypoints", field="select")
        return _take(clip, _indices(select, clip.points), None)
    try:
        target = get_layout(select)
    except LayoutError as error:
        error.field = "select"
        raise
    if clip.layout is None:
        raise PoseError(
            f"{select} cannot be selected from {clip.points} points of an unknown layout: give the layout's name, "
            "or select points by index",
            field="select",
        )
    if target is clip.layout:
        return clip
    return _take(clip, _lookup(target, clip.layout), target)


@lru_cache(maxsize=64)
def _lookup(target: Layout, source: Layout) -> npt.NDArray[np.intp]:
    return np.array(target.indices_in(source), np.intp)


def _indices(select: Sequence[int], points: int) -> npt.NDArray[np.intp]:
    for i, index in enumerate(select):
        if not 0 <= index < points:
            raise PoseError(f"point {str(index)[:20]} is not among 0 to {points - 1}", field=f"select[{i}]")
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
