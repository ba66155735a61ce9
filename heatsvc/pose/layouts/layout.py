"""Layout: names, limbs and mirror images of keypoints; and the hand and face that several layouts share."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from heatsvc.errors import InputError


class LayoutError(InputError):
    """A layout does not exist, or its points cannot be selected from another one."""


@dataclass(frozen=True)
class Layout:
    """A named order of keypoints. All layouts use the same name for the same point of the body.

    Attributes:
        name: its name in requests, ``sign27``.
        title: its description in `GET /layouts`.
        points: the V names, in order: ``nose``, ``left_wrist``, ``left_hand_4``, ``face_30``.
        limbs: pairs of indices of `points`; channel order of a limb volume.
    """

    name: str
    title: str
    points: tuple[str, ...]
    limbs: tuple[tuple[int, int], ...] = ()

    def __repr__(self) -> str:
        return f"Layout({self.name!r}, {len(self.points)} points)"

    @cached_property
    def index(self) -> dict[str, int]:
        """Index of each point by its name."""
        return {point: i for i, point in enumerate(self.points)}

    @cached_property
    def mirror(self) -> tuple[int, ...]:
        """The index of each point's mirror image; points on the midline have their own index."""
        return tuple(self.index.get(mirrored(point), i) for i, point in enumerate(self.points))

    @cached_property
    def left(self) -> tuple[int, ...]:
        """Indices of the left points that have a right partner (PYSKL's `left_kp`)."""
        return tuple(i for i, point in enumerate(self.points) if "left_" in point and self.mirror[i] != i)

    @cached_property
    def right(self) -> tuple[int, ...]:
        """Indices of the right partners of `left` (PYSKL's `right_kp`)."""
        return tuple(self.mirror[i] for i in self.left)

    def indices_in(self, source: Layout) -> tuple[int, ...]:
        """Indices of this layout's points in `source`; -1 for points that it lacks."""
        return tuple(source.index.get(point, -1) for point in self.points)

    def subset(self, indices: Sequence[int]) -> Layout:
        """The layout of some of the points, in the given order, with the limbs between them.

        It is called ``custom`` unless it has all points in their order; then it is this layout.

        Args:
            indices: different indices from 0 to V - 1.
        """
        if tuple(indices) == tuple(range(len(self.points))):
            return self
        position = {index: i for i, index in enumerate(indices)}
        limbs = tuple((position[a], position[b]) for a, b in self.limbs if a in position and b in position)
        points = tuple(self.points[index] for index in indices)
        return Layout("custom", f"{len(points)} points of {self.name}", points, limbs)


def mirrored(point: str) -> str:
    """The name of a point's mirror image: ``left_hand_4`` for ``right_hand_4``."""
    if "left_" in point:
        return point.replace("left_", "right_", 1)
    return point.replace("right_", "left_", 1)


def mirrored_limbs(limbs: Sequence[tuple[int, int]], mirror: Sequence[int]) -> tuple[int, ...]:
    """The index of each limb's mirror image, the limb between the mirrored ends; its own index if there is none."""
    position = {frozenset(limb): i for i, limb in enumerate(limbs)}
    return tuple(position.get(frozenset((mirror[a], mirror[b])), i) for i, (a, b) in enumerate(limbs))


def hand(side: str) -> tuple[str, ...]:
    """The 21 points of a left or right hand: 0 is the wrist, then four for each finger, beginning with the thumb.

    OpenPose, MediaPipe and COCO-WholeBody share this order.
    """
    return tuple(f"{side}_hand_{i}" for i in range(21))


def hand_limbs(side: str) -> tuple[tuple[str, str], ...]:
    """The 20 bones of a hand, finger by finger, each from the wrist outwards."""
    chains = ([0, *range(first, first + 4)] for first in (1, 5, 9, 13, 17))
    return tuple((f"{side}_hand_{a}", f"{side}_hand_{b}") for chain in chains for a, b in itertools.pairwise(chain))


# The 68-point face annotation (iBUG 300-W): each pair is a point on the person's right and its mirror image.
_FACE_PAIRS = (
    *((i, 16 - i) for i in range(8)),
    *((17 + i, 26 - i) for i in range(5)),
    *((31 + i, 35 - i) for i in range(2)),
    *((36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)),
    *((48, 54), (49, 53), (50, 52), (59, 55), (58, 56), (60, 64), (61, 63), (67, 65)),
)


def face68() -> tuple[str, ...]:
    """The 68 face points; pairs are called ``right_face_i`` and ``left_face_i`` by the right one's number."""
    names = {}
    for right, left in _FACE_PAIRS:
        names[right], names[left] = f"right_face_{right}", f"left_face_{right}"
    return tuple(names.get(i, f"face_{i}") for i in range(68))


_FACE_CHAINS = (
    range(17),
    range(17, 22),
    range(22, 27),
    range(27, 31),
    range(31, 36),
    (*range(36, 42), 36),
    (*range(42, 48), 42),
    (*range(48, 60), 48),
    (*range(60, 68), 60),
)


def face68_limbs() -> tuple[tuple[str, str], ...]:
    """The outlines of jaw, brows, nose, eyes and lips."""
    names = face68()
    return tuple((names[a], names[b]) for chain in _FACE_CHAINS for a, b in zip(chain, list(chain)[1:], strict=False))


def limbs_by_name(points: Sequence[str], limbs: Iterable[tuple[str, str]]) -> tuple[tuple[int, int], ...]:
    """Limbs, given by the names of their ends, as indices of `points`."""
    index = {point: i for i, point in enumerate(points)}
    return tuple((index[a], index[b]) for a, b in limbs)


def limbs_between(points: Sequence[str], limbs: Iterable[tuple[str, str]]) -> tuple[tuple[int, int], ...]:
    """The limbs, given by the names of their ends, whose ends are both in `points`."""
    return limbs_by_name(points, (limb for limb in limbs if limb[0] in points and limb[1] in points))
