"""Layout: what the points of a skeleton are called, which are joined, which are each other's mirror image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from heatsvc.errors import InputError


class LayoutError(InputError):
    """A layout that does not exist, or that cannot be taken from another one."""


@dataclass(frozen=True)
class Layout:
    """A named order of keypoints. Points of the same name in two layouts are the same point of the body.

    Attributes:
        name: as in a request, ``sign27``.
        title: one line for `GET /layouts`.
        points: the V names, in order: ``nose``, ``left_wrist``, ``left_hand_4``, ``face_30``.
        limbs: pairs of positions in `points`; channel order of a limb volume.
    """

    name: str
    title: str
    points: tuple[str, ...]
    limbs: tuple[tuple[int, int], ...] = ()

    @cached_property
    def index(self) -> dict[str, int]:
        """Position of each point by its name."""
        return {point: i for i, point in enumerate(self.points)}

    @cached_property
    def mirror(self) -> tuple[int, ...]:
        """For each point the position of its mirror image: left for right, itself on the middle line."""
        return tuple(self.index.get(mirrored(point), i) for i, point in enumerate(self.points))

    @cached_property
    def left(self) -> tuple[int, ...]:
        """Positions of the left points that have a right partner (PYSKL's `left_kp`)."""
        return tuple(i for i, point in enumerate(self.points) if "left_" in point and self.mirror[i] != i)

    @cached_property
    def right(self) -> tuple[int, ...]:
        """The partner of each of `left` (PYSKL's `right_kp`)."""
        return tuple(self.mirror[i] for i in self.left)

    def indices_in(self, source: Layout) -> tuple[int, ...]:
        """Where this layout's points stand in `source`: ``keypoint[:, :, indices]`` selects them.

        Raises:
            LayoutError: `source` lacks some of them; the message names the first ones.
        """
        missing = [point for point in self.points if point not in source.index]
        if missing:
            few = ", ".join(missing[:3]) + (" ..." if len(missing) > 3 else "")
            raise LayoutError(
                f"{self.name} cannot be selected from {source.name}: it lacks {len(missing)} points ({few})",
                field="select",
            )
        return tuple(source.index[point] for point in self.points)


def mirrored(point: str) -> str:
    """The name of a point's mirror image: ``left_hand_4`` for ``right_hand_4``."""
    if "left_" in point:
        return point.replace("left_", "right_", 1)
    return point.replace("right_", "left_", 1)


def mirrored_limbs(limbs: Sequence[tuple[int, int]], mirror: Sequence[int]) -> tuple[int, ...]:
    """For each limb the position of the limb that joins the mirror images of its ends; itself where there is none."""
    position = {frozenset(limb): i for i, limb in enumerate(limbs)}
    return tuple(position.get(frozenset((mirror[a], mirror[b])), i) for i, (a, b) in enumerate(limbs))
