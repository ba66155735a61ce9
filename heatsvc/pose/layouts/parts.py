"""Parts that several layouts share: the hand of 21 points and the face of 68, and limbs told by name."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence


def hand(side: str) -> tuple[str, ...]:
    """The 21 points of a hand, `side` left or right: 0 the wrist, then four for each finger from the thumb on.

    OpenPose, MediaPipe and COCO-WholeBody hold them in this one order.
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
    """Limbs told by the names of their ends, as positions in `points`."""
    index = {point: i for i, point in enumerate(points)}
    return tuple((index[a], index[b]) for a, b in limbs)
