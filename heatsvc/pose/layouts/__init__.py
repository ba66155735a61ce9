"""Keypoint layouts: names of the V points of a clip. To add one is to add a file and a line here."""

from __future__ import annotations

from heatsvc.pose.layouts.coco import COCO17, COCO_WHOLEBODY
from heatsvc.pose.layouts.layout import Layout, LayoutError, mirrored_limbs
from heatsvc.pose.layouts.mediapipe import MEDIAPIPE_HOLISTIC, MEDIAPIPE_HOLISTIC_IRIS
from heatsvc.pose.layouts.openpose import OPENPOSE137
from heatsvc.pose.layouts.sign import SIGN27, SIGN31, SIGN59

LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        COCO17,
        COCO_WHOLEBODY,
        OPENPOSE137,
        MEDIAPIPE_HOLISTIC,
        MEDIAPIPE_HOLISTIC_IRIS,
        SIGN27,
        SIGN31,
        SIGN59,
    )
}
LAYOUTS_BY_POINTS = {len(layout.points): layout for layout in LAYOUTS.values()}
"""By the number of points, which differs among layouts."""


def get_layout(name: str, points: int | None = None) -> Layout:
    """The layout of that name.

    Args:
        name: as listed at `GET /layouts`.
        points: V, where known: mediapipe_holistic has a variant with a face of 478 instead of 468 points.

    Raises:
        LayoutError: there is none of that name; the message lists all.
    """
    if name == MEDIAPIPE_HOLISTIC.name and points == len(MEDIAPIPE_HOLISTIC_IRIS.points):
        return MEDIAPIPE_HOLISTIC_IRIS
    layout = LAYOUTS.get(name)
    if layout is None:
        raise LayoutError(f"there is no layout {name!r:.60}: known are {', '.join(LAYOUTS)}", field="layout")
    return layout


__all__ = ["LAYOUTS", "LAYOUTS_BY_POINTS", "Layout", "LayoutError", "get_layout", "mirrored_limbs"]
