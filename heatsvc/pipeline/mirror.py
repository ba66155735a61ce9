"""Mirror images of keypoints and limbs, from a step's left and right lists or from the layout."""

from __future__ import annotations

from heatsvc.pipeline.errors import PipelineError
from heatsvc.pose.layouts import Layout, has_known_sides


def check_sides(left: tuple[int, ...] | None, right: tuple[int, ...] | None, what: str) -> None:
    """Left and right must be given together, and have one length.

    Raises:
        PipelineError: one without the other, or of different lengths.
    """
    if (left is None) != (right is None):
        missing, given = ("left", "right") if left is None else ("right", "left")
        raise PipelineError(f"{given}_{what} is given without {missing}_{what}", field=f"{missing}_{what}")
    if left is not None and right is not None and len(left) != len(right):
        raise PipelineError(
            f"left_{what} has {len(left)} entries and right_{what} {len(right)}: they must be pairs",
            field=f"right_{what}",
        )


def check_points(indices: tuple[int, ...], count: int, name: str, *, what: str = "keypoints") -> None:
    """Every index must be under `count`.

    Raises:
        PipelineError: one is not; the message names it and the count.
    """
    for index in indices:
        if index >= count:
            raise PipelineError(
                f"{name} has {what[:-1]} {index}, but there are {count} {what}, 0 to {count - 1}", field=name
            )


def swapped(count: int, left: tuple[int, ...], right: tuple[int, ...]) -> list[int]:
    """The indices 0 to count - 1 with left and right ones exchanged, pair by pair, as in PYSKL."""
    order = list(range(count))
    for a, b in zip(left, right, strict=True):
        order[a], order[b] = b, a
    return order


def mirror_points(
    left: tuple[int, ...] | None, right: tuple[int, ...] | None, layout: Layout | None, points: int
) -> list[int]:
    """For each of V keypoints the index of its mirror image.

    Args:
        left, right: pairs that are exchanged; None for those of the layout.
        layout: None where unknown.
        points: V.

    Raises:
        PipelineError: one of the points is not under V; or neither the pairs nor the layout's sides are known.
    """
    if left is None or right is None:
        if layout is None or not has_known_sides(layout):
            what = "an unknown layout" if layout is None else "these names"
            raise PipelineError(
                f"which of {points} points of {what} are left and right is not known: give layout, or "
                "left_kp and right_kp (empty lists if there are none)",
                field="left_kp",
            )
        left, right = layout.left, layout.right
    check_points(left, points, "left_kp")
    check_points(right, points, "right_kp")
    return swapped(points, left, right)
