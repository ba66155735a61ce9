"""Keypoint layouts: names of the V points of a clip. To add one, add it to a file and to `LAYOUTS`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from heatsvc.pose.layouts.body import CROWDPOSE14, H36M17, NTU25, POSETRACK18
from heatsvc.pose.layouts.coco import COCO17, COCO_WHOLEBODY
from heatsvc.pose.layouts.halpe import HALPE26, HALPE136
from heatsvc.pose.layouts.layout import Layout, LayoutError, limbs_between, mirrored_limbs
from heatsvc.pose.layouts.mediapipe import (
    HAND21,
    ISLR543,
    MEDIAPIPE_HOLISTIC,
    MEDIAPIPE_HOLISTIC_75,
    MEDIAPIPE_HOLISTIC_IRIS,
    MEDIAPIPE_POSE33,
)
from heatsvc.pose.layouts.names import canonical_names
from heatsvc.pose.layouts.openpose import (
    OPENPOSE15,
    OPENPOSE18,
    OPENPOSE25,
    OPENPOSE67,
    OPENPOSE137,
    OPENPOSE_LIMBS,
    OPENPOSE_PARTS,
)
from heatsvc.pose.layouts.sign import SIGN27, SIGN31, SIGN59

LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        *(COCO17, COCO_WHOLEBODY),
        *(OPENPOSE15, OPENPOSE18, OPENPOSE25, OPENPOSE67, OPENPOSE137),
        *(MEDIAPIPE_POSE33, MEDIAPIPE_HOLISTIC, MEDIAPIPE_HOLISTIC_IRIS, MEDIAPIPE_HOLISTIC_75, ISLR543, HAND21),
        *(HALPE26, HALPE136, CROWDPOSE14, H36M17, POSETRACK18, NTU25),
        *(SIGN27, SIGN31, SIGN59),
    )
}

LAYOUTS_BY_POINTS: dict[int, Layout] = {
    len(layout.points): layout
    for layout in (
        *(COCO17, OPENPOSE18, HAND21, SIGN27, SIGN31, SIGN59, MEDIAPIPE_HOLISTIC_75),
        *(COCO_WHOLEBODY, OPENPOSE137, MEDIAPIPE_HOLISTIC_IRIS),
    )
}
"""Layouts of unnamed points by their number; other numbers are unknown. 17 points are COCO's in nearly all files; those
of Human3.6M and PoseTrack need `layout`."""
_AMBIGUOUS = {25: (OPENPOSE25, NTU25), 543: (MEDIAPIPE_HOLISTIC, ISLR543)}
KEYPOINT_COUNTS = frozenset((*LAYOUTS_BY_POINTS, *_AMBIGUOUS))
"""Numbers of points of common layouts."""
_LAYOUTS = tuple(LAYOUTS.values())
_KNOWN_NAMES = frozenset(name for layout in _LAYOUTS for name in layout.points)
# Files of MediaPipe have names of 20 letters, and one limb per point.
_MAX_NAME_LENGTH, _MAX_LIMBS = 100, 4096


def get_layout(name: str, points: int | None = None) -> Layout:
    """Get a layout by its name.

    Args:
        name: a name in `GET /layouts`.
        points: V, if known: mediapipe_holistic has a variant with a face of 478 instead of 468 points.

    Raises:
        LayoutError: the layout does not exist; the message lists all.
    """
    if name == MEDIAPIPE_HOLISTIC.name and points == len(MEDIAPIPE_HOLISTIC_IRIS.points):
        return MEDIAPIPE_HOLISTIC_IRIS
    layout = LAYOUTS.get(name)
    if layout is None:
        raise LayoutError(f"unknown layout {name!r:.60}: known layouts are {', '.join(LAYOUTS)}", field="layout")
    return layout


def infer_layout(points: int, *, field: str = "layout", file: str | None = None) -> Layout | None:
    """The layout of unnamed points, by their number; None if unknown.

    Raises:
        LayoutError: two layouts have this number of points, in different orders.
    """
    layout = LAYOUTS_BY_POINTS.get(points)
    if layout is None and points in _AMBIGUOUS:
        first, second = _AMBIGUOUS[points]
        raise LayoutError(
            f"{points} points without names may be {first.name} ({first.title}) or {second.name} ({second.title}): "
            "set `layout`",
            field=field,
            file=file,
        )
    return layout


def has_known_sides(layout: Layout) -> bool:
    """Whether the left and right points are known; for a layout from a file's names, only if the names say it."""
    return bool(layout.left) or _KNOWN_NAMES.issuperset(layout.points)


def check_names(layout: Layout, named: Layout, *, field: str = "layout", file: str | None = None) -> None:
    """Check that a given layout does not contradict the known point names of a file with as many points.

    Raises:
        LayoutError: it contradicts a name; the message has the first such point.
    """
    for i, (name, own) in enumerate(zip(layout.points, named.points, strict=True)):
        if name != own and own in _KNOWN_NAMES:
            raise LayoutError(
                f"point {i} is {own!r:.60} in the file, but {name!r:.60} in {layout.name}: leave `layout` out to use "
                "the file's names",
                field=field,
                file=file,
            )


@lru_cache(maxsize=64)
def layout_of_names(points: tuple[str, ...], limbs: tuple[tuple[int, int], ...] = ()) -> Layout:
    """The layout of a file's points: the layout with these names in this order, or else a new one called ``custom``.

    Args:
        points: `canonical_names` of the points.
        limbs: limbs of the file as pairs of indices; if empty, the limbs of the most similar layout.

    Raises:
        LayoutError: a name occurs twice, has more than 100 letters, there are more than 4,096 limbs, or a limb's point
            does not exist.
    """
    for layout in _LAYOUTS:
        if layout.points == points:
            return layout
    if len(set(points)) < len(points):
        twice = next(point for point in points if points.count(point) > 1)
        raise LayoutError(f"the file has two points named {twice!r:.60}: names must differ", field="layout")
    # The cache keeps 64 layouts, whose size must be limited.
    if max(map(len, points), default=0) > _MAX_NAME_LENGTH or len(limbs) > _MAX_LIMBS:
        raise LayoutError(
            f"the file has a point name of more than {_MAX_NAME_LENGTH} letters, or more than {_MAX_LIMBS:,} limbs: "
            "shorten the names, or remove limbs",
            field="layout",
        )
    for limb in limbs:
        if not all(0 <= end < len(points) for end in limb):
            raise LayoutError(
                f"the file has a limb of points {limb[0]} and {limb[1]}, but only {len(points)} points, counted from 0",
                field="layout",
            )
    if not limbs:
        names = set(points)
        alike = max(_LAYOUTS, key=lambda layout: len(names.intersection(layout.points)))
        limbs = limbs_between(points, ((alike.points[a], alike.points[b]) for a, b in alike.limbs))
    return Layout("custom", f"{len(points)} points, by the file's names", points, limbs)


def limbs_of_pairs(pairs: object, first: int = 0) -> tuple[tuple[int, int], ...] | None:
    """Convert a file's list of pairs of points to limbs; () if it is empty, None if it is not such a list.

    Args:
        pairs: the value in the file.
        first: number of the first point in the file.
    """
    if pairs is None:
        return ()
    if not isinstance(pairs, list):
        return None
    limbs = []
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2 or not all(type(end) is int for end in pair):
            return None
        limbs.append((pair[0] - first, pair[1] - first))
    return tuple(limbs)


def layout_with_points(points: Sequence[str]) -> Layout | None:
    """The layout that has exactly these points, in any order; None if there is none."""
    wanted = frozenset(points)
    return next(
        (layout for layout in _LAYOUTS if len(layout.points) == len(points) and wanted == set(layout.points)), None
    )


__all__ = [
    "KEYPOINT_COUNTS",
    "LAYOUTS",
    "LAYOUTS_BY_POINTS",
    "OPENPOSE_LIMBS",
    "OPENPOSE_PARTS",
    "Layout",
    "LayoutError",
    "canonical_names",
    "check_names",
    "get_layout",
    "has_known_sides",
    "infer_layout",
    "layout_of_names",
    "layout_with_points",
    "limbs_between",
    "limbs_of_pairs",
    "mirrored_limbs",
]
