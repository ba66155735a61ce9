"""Names of points in tables: which point of which layout ``pose_0``, ``left_hand_20`` or ``NOSE`` is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from heatsvc.pose.layouts import canonical_names
from heatsvc.pose.layouts.layout import hand
from heatsvc.pose.layouts.mediapipe import POSE_33, face_mesh

_NUMBERED = re.compile(r"(.*?)[_. ]?(\d{1,4})")
_PARTS = {
    "pose": "pose",
    "body": "pose",
    "face": "face",
    "left_hand": "left_hand",
    "lefthand": "left_hand",
    "right_hand": "right_hand",
    "righthand": "right_hand",
}
# Of the pose, the face without and with irises, and a hand.
_SIZES = (33, 468, 478, 21)


def order_points(points: Iterable[str]) -> tuple[list[str], tuple[str, ...]]:
    """The points in the order of their layout, and the names that they have there.

    Args:
        points: as a table calls them: ``pose_0``, ``left_hand_20``, ``NOSE``, ``12``.

    Returns:
        The points, without second spellings of a point (``pose_08``), and their names: () if they are only numbered.
    """
    points = list(points)
    numbered = {name: _NUMBERED.fullmatch(name) for name in points}
    if not all(numbered.values()):
        names = canonical_names(points)
        if len(set(names)) < len(names):
            return points, ()
        if set(names) == set(POSE_33):
            by_name = dict(zip(names, points, strict=True))
            return [by_name[name] for name in POSE_33], POSE_33
        return points, names
    by_part: dict[str, dict[int, str]] = {}
    for name, match in numbered.items():
        if match:
            stem = re.sub(r"[_. ]?(landmarks?|lm|point|kp|keypoint)\Z", "", match[1].lower().replace(" ", "_"))
            by_part.setdefault(_PARTS.get(stem, ""), {}).setdefault(int(match[2]), name)
    order: list[str] = []
    known_names: list[str] = []
    for part in ("pose", "face", "left_hand", "right_hand", ""):
        found = by_part.get(part, {})
        # Some count from 1: then the last number is the size of the part.
        first = 1 if found and min(found) == 1 and max(found) in _SIZES else 0
        order += [found[number] for number in sorted(found)]
        known = _names(part, max(found, default=0) + 1 - first)
        known_names += [known[number - first] for number in sorted(found)] if part else []
    return order, tuple(known_names) if len(known_names) == len(order) else ()


def _names(part: str, count: int) -> Sequence[str]:
    """The names of a part of MediaPipe's, up to that many points."""
    if part == "pose":
        return (*POSE_33, *(f"pose_{i}" for i in range(33, count)))
    if part == "face":
        return face_mesh(count)
    known = hand(part.removesuffix("_hand"))
    return (*known, *(f"{part}_{i}" for i in range(21, count)))
