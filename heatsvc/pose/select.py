"""select: some of a clip's points, by the name of a smaller layout or by position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from heatsvc.pose.clip import PoseClip, PoseError
from heatsvc.pose.layouts import Layout, get_layout


def select_points(clip: PoseClip, select: str | Sequence[int]) -> PoseClip:
    """The clip with the chosen points only, in their order.

    Args:
        clip: of V points.
        select: a layout, whose points are looked up by name in the clip's own layout; or positions from 0 to V - 1.
            A choice by position has no layout.

    Raises:
        LayoutError: no such layout, or one that the clip's layout cannot give.
        PoseError: the clip's layout is not known, or a position that is none.
    """
    if not isinstance(select, str):
        return _take(clip, _positions(select, clip.points), None)
    target = get_layout(select)
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
            raise PoseError(f"point {position} is none of 0 to {points - 1}", field=f"select[{place}]")
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
