"""Finds the mirror images of keypoints and limbs, from a step's left and right lists or from the layout."""

from __future__ import annotations

from heatsvc.pipeline.errors import PipelineError
from heatsvc.pose.layouts import Layout, has_known_sides


def check_sides(left: tuple[int, ...] | None, right: tuple[int, ...] | None, what: str) -> None:
    """Check that left and right lists are given together and have the same length.

    Raises:
        PipelineError: only one is given, or their lengths differ.
    """
    if (left is None) != (right is None):
        missing, given = ("left", "right") if left is None else ("right", "left")
        raise PipelineError(f"{given}_{what} is given without {missing}_{what}", field=f"{missing}_{what}")
    if left is not None and right is not None and len(left) != len(right):
        raise PipelineError(
            f"left_{what} has {len(left)} entries and right_{what} has {len(right)}: they must have the same length",
            field=f"right_{what}",
        )


def check_points(indices: tuple[int, ...], count: int, name: str, *, what: str = "keypoints") -> None:
    """Check that every index is below `count`.

    Raises:
        PipelineError: an index is not; the message has the index and the count.
    """
    for index in indices:
        if index >= count:
            raise PipelineError(
                f"{name} has {what[:-1]} {index}, but there are {count} {what}, 0 to {count - 1}", field=name
            )


def swapped(count: int, left: tuple[int, ...], right: tuple[int, ...]) -> list[int]:
    """The indices 0 to count - 1, with the left and right index of each pair exchanged as in PYSKL."""
    order = list(range(count))
    for a, b in zip(left, right, strict=True):
        order[a], order[b] = b, a
    return order


def mirror_points(
    left: tuple[int, ...] | None, right: tuple[int, ...] | None, layout: Layout | None, points: int
) -> list[int]:
    """The index of the mirror image of each of V keypoints.

    Args:
        left, right: the pairs to exchange; None uses those of the layout.
        layout: the layout of the keypoints; None if unknown.
        points: V.

    Raises:
        PipelineError: an index is not below V; or there are no pairs, and the layout does not have them either.
    """
    if left is None or right is None:
        if layout is None or not has_known_sides(layout):
            what = "an unknown layout" if layout is None else "these names"
            raise PipelineError(
                f"the left and right keypoints among {points} points of {what} are unknown: set layout, or "
                "left_kp and right_kp (empty lists if there are none)",
                field="left_kp",
            )
        left, right = layout.left, layout.right
    check_points(left, points, "left_kp")
    check_points(right, points, "right_kp")
    return swapped(points, left, right)
