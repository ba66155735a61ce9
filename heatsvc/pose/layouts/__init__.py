"""Keypoint layouts: names of the V points of a clip. To add one is to add it to a file and to `LAYOUTS`."""

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
"""What so many points without names are taken for; other numbers are unknown. 17 are COCO's in nearly all files of this
field: those of Human3.6M and PoseTrack need `layout`."""
_AMBIGUOUS = {25: (OPENPOSE25, NTU25), 543: (MEDIAPIPE_HOLISTIC, ISLR543)}
KEYPOINT_COUNTS = frozenset((*LAYOUTS_BY_POINTS, *_AMBIGUOUS))
"""Numbers of points that layouts in common use have."""
_LAYOUTS = tuple(LAYOUTS.values())
_KNOWN_NAMES = frozenset(name for layout in _LAYOUTS for name in layout.points)
# A file of MediaPipe has names of 20 letters, and one limb for each point.
_MAX_NAME_LENGTH, _MAX_LIMBS = 100, 4096


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


def infer_layout(points: int, *, field: str = "layout", file: str | None = None) -> Layout | None:
    """What so many points without names are; None where that is unknown.

    Raises:
        LayoutError: two layouts have so many points, in different orders.
    """
    layout = LAYOUTS_BY_POINTS.get(points)
    if layout is None and points in _AMBIGUOUS:
        first, second = _AMBIGUOUS[points]
        raise LayoutError(
            f"{points} points without names may be {first.name} ({first.title}) or {second.name} ({second.title}): "
            "give `layout`",
            field=field,
            file=file,
        )
    return layout


def has_known_sides(layout: Layout) -> bool:
    """Whether it is known which points are left and right: of a layout of a file's names only if they say it."""
    return bool(layout.left) or _KNOWN_NAMES.issuperset(layout.points)


def check_names(layout: Layout, named: Layout, *, field: str = "layout", file: str | None = None) -> None:
    """A layout that is given for a file that names its points, as many, must not rename those that are known here.

    Raises:
        LayoutError: it does; the message has the first such point.
    """
    for i, (name, own) in enumerate(zip(layout.points, named.points, strict=True)):
        if name != own and own in _KNOWN_NAMES:
            raise LayoutError(
                f"the file calls point {i} {own!r:.60}, and in {layout.name} it is {name!r:.60}: leave `layout` out, "
                "and the file's names are used",
                field=field,
                file=file,
            )


@lru_cache(maxsize=64)
def layout_of_names(points: tuple[str, ...], limbs: tuple[tuple[int, int], ...] = ()) -> Layout:
    """The layout of a file's points: the one that has these names in this order, or else a new one called ``custom``.

    Args:
        points: `canonical_names` of them.
        limbs: the file's, pairs of indices; if empty, those of the layout that shares most names with it.

    Raises:
        LayoutError: a name twice, one of more than 100 letters, more than 4,096 limbs, or a limb of a point that there
            is not.
    """
    for layout in _LAYOUTS:
        if layout.points == points:
            return layout
    if len(set(points)) < len(points):
        twice = next(point for point in points if points.count(point) > 1)
        raise LayoutError(f"the file has two points of the name {twice!r:.60}: each needs its own", field="layout")
    # The cache keeps 64 layouts: a file must not make them arbitrarily large.
    if max(map(len, points), default=0) > _MAX_NAME_LENGTH or len(limbs) > _MAX_LIMBS:
        raise LayoutError(
            f"the file names a point with more than {_MAX_NAME_LENGTH} letters, or has more than {_MAX_LIMBS:,} limbs: "
            "give shorter names, or remove limbs",
            field="layout",
        )
    for limb in limbs:
        if not all(0 <= end < len(points) for end in limb):
            raise LayoutError(
                f"the file has a limb that joins points {limb[0]} and {limb[1]}, counted from 0, and only "
                f"{len(points)} points",
                field="layout",
            )
    if not limbs:
        names = set(points)
        alike = max(_LAYOUTS, key=lambda layout: len(names.intersection(layout.points)))
        limbs = limbs_between(points, ((alike.points[a], alike.points[b]) for a, b in alike.limbs))
    return Layout("custom", f"{len(points)} points, by the file's names", points, limbs)


def limbs_of_pairs(pairs: object, first: int = 0) -> tuple[tuple[int, int], ...] | None:
    """A file's list of pairs of points as limbs, () without any; None where it is no such list.

    Args:
        pairs: as in the file.
        first: what the first point's number is there.
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
    """The layout that has exactly these points, in whatever order; None where there is none."""
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
