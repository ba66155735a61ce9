"""select: some of a clip's points, by the name of a smaller layout or by position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.pose.clip import BYTES_PER_POINT, PoseClip, PoseError
from heatsvc.pose.layouts import Layout, LayoutError, get_layout


def select_points(clip: PoseClip, select: str | Sequence[int], bounds: Bounds = DEFAULT_BOUNDS) -> PoseClip:
    """The clip with the chosen points only, in their order.

    Args:
        clip: of V points.
        select: a layout, whose points are looked up by name in the clip's own layout; or positions from 0 to V - 1.
            A choice by position has no layout, and may name a point more than once.
        bounds: max_keypoints, and max_unpacked_bytes of what is selected.

    Raises:
        LayoutError: no such layout, or one that the clip's layout cannot give.
        PoseError: the clip's layout is not known, or a position that is none.
        LimitError: more positions than `bounds` allow.
    """
    if not isinstance(select, str):
        bounds.check("max_keypoints", len(select), "points to select", field="select")
        size = clip.persons * clip.frames * len(select) * BYTES_PER_POINT
        bounds.check("max_unpacked_bytes", size, "bytes of selected keypoints", field="select")
        return _take(clip, _positions(select, clip.points), None)
    try:
        target = get_layout(select)
    except LayoutError as error:
        error.field = "select"
        raise
    if clip.layout is None:
        raise PoseError(
            f"{select} cannot be selected from {clip.points} points of an unknown layout: give the layout's name, "
            "or select points by position",
            field="select",
        )
    if target is clip.layout:
        return clip
    return _take(clip, _lookup(target, clip.layout), target)


@lru_cache(maxsize=64)
def _lookup(target: Layout, source: Layout) -> npt.NDArray[np.intp]:
    return np.array(target.indices_in(source), np.intp)


def _positions(select: Sequence[int], points: int) -> npt.NDArray[np.intp]:
    for place, position in enumerate(select):
        if not 0 <= position < points:
            raise PoseError(f"point {str(position)[:20]} is none of 0 to {points - 1}", field=f"select[{place}]")
    if not select:
        raise PoseError("select names no point: at least one is needed", field="select")
    return np.array(select, np.intp)


def _take(clip: PoseClip, positions: npt.NDArray[np.intp], layout: Layout | None) -> PoseClip:
    return replace(
        clip,
        keypoint=np.take(clip.keypoint, positions, axis=2),
        keypoint_score=np.take(clip.keypoint_score, positions, axis=2),
        layout=layout,
    )
