"""Skeleton: what a config says of the points: which are left, which right, which are joined."""

from __future__ import annotations

from dataclasses import dataclass

from heatsvc.pose.layouts import Layout, mirrored_limbs


@dataclass(frozen=True, slots=True)
class Skeleton:
    """The points under PYSKL's names.

    Attributes:
        points: V.
        left_kp, right_kp: positions of points that change places in a mirror.
        skeletons: limbs, pairs of positions.
        left_limb, right_limb: positions in `skeletons` of limbs that change places in a mirror.
    """

    points: int
    left_kp: tuple[int, ...] = ()
    right_kp: tuple[int, ...] = ()
    skeletons: tuple[tuple[int, int], ...] = ()
    left_limb: tuple[int, ...] = ()
    right_limb: tuple[int, ...] = ()

    @classmethod
    def of(cls, points: int, layout: Layout | None) -> Skeleton:
        """Of a layout; without one nothing is known but the number of points."""
        if layout is None:
            return cls(points)
        pairs = []
        for limb, mirror in enumerate(mirrored_limbs(layout.limbs, layout.mirror)):
            if limb < mirror:
                is_left = any("left_" in layout.points[point] for point in layout.limbs[limb])
                pairs.append((limb, mirror) if is_left else (mirror, limb))
        left_limb, right_limb = tuple(zip(*pairs, strict=True)) or ((), ())
        return cls(points, layout.left, layout.right, layout.limbs, left_limb, right_limb)
