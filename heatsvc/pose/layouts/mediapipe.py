"""Layouts of MediaPipe: pose 33, face mesh 468 (478 with irises), hands of 21, and Holistic, which combines them.

Names of the face mesh have no sides, so that its channels are not exchanged in mirrored copies.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from heatsvc.pose.layouts.layout import Layout, hand, hand_limbs, limbs_between


def _both(*points: str) -> tuple[str, ...]:
    return tuple(f"{side}_{point}" for point in points for side in ("left", "right"))


POSE_33 = (
    "nose",
    *("left_eye_inner", "left_eye", "left_eye_outer"),
    *("right_eye_inner", "right_eye", "right_eye_outer"),
    *_both("ear", "mouth", "shoulder", "elbow", "wrist", "pinky", "index", "thumb"),
    *_both("hip", "knee", "ankle", "heel", "foot_index"),
)

_CHAINS = (
    ("left_shoulder", "right_shoulder"),
    ("left_hip", "right_hip"),
    ("left_mouth", "right_mouth"),
    *(
        chain
        for side in ("left", "right")
        for chain in (
            ("nose", f"{side}_eye_inner", f"{side}_eye", f"{side}_eye_outer", f"{side}_ear"),
            (f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist", f"{side}_hand_0"),
            (f"{side}_wrist", f"{side}_pinky", f"{side}_index", f"{side}_wrist", f"{side}_thumb"),
            (f"{side}_shoulder", f"{side}_hip", f"{side}_knee", f"{side}_ankle"),
            (f"{side}_ankle", f"{side}_heel", f"{side}_foot_index", f"{side}_ankle"),
        )
    ),
)


_LIMBS = (
    *(limb for chain in _CHAINS for limb in itertools.pairwise(chain)),
    *hand_limbs("left"),
    *hand_limbs("right"),
)


def _layout(name: str, title: str, *parts: Sequence[str]) -> Layout:
    points = tuple(point for part in parts for point in part)
    return Layout(name, title, points, limbs_between(points, _LIMBS))


def face_mesh(count: int) -> tuple[str, ...]:
    """The points of the face mesh: 468, or 478 with the irises."""
    return tuple(f"face_mesh_{i}" for i in range(count))


_HANDS = (*hand("left"), *hand("right"))

MEDIAPIPE_POSE33 = _layout("mediapipe_pose33", "MediaPipe Pose, 33 points", POSE_33)
MEDIAPIPE_HOLISTIC_75 = _layout(
    "mediapipe_holistic_75",
    "MediaPipe Holistic without the face, 75 points: pose 0-32, left hand 33-53, right hand 54-74",
    POSE_33,
    _HANDS,
)
MEDIAPIPE_HOLISTIC = _layout(
    "mediapipe_holistic",
    "MediaPipe Holistic, 543 points: pose 0-32, face mesh 33-500, left hand 501-521, right hand 522-542",
    POSE_33,
    face_mesh(468),
    _HANDS,
)
MEDIAPIPE_HOLISTIC_IRIS = _layout(
    "mediapipe_holistic_iris",
    "MediaPipe Holistic with irises, 553 points: pose 0-32, face mesh 33-510, left hand 511-531, right hand 532-552",
    POSE_33,
    face_mesh(478),
    _HANDS,
)
# The order of the rows of https://www.kaggle.com/competitions/asl-signs/data
ISLR543 = _layout(
    "islr543",
    "Google ISLR, 543 points of Holistic: face mesh 0-467, left hand 468-488, pose 489-521, right hand 522-542",
    face_mesh(468),
    hand("left"),
    POSE_33,
    hand("right"),
)
HAND21 = Layout(
    "hand21",
    "One hand, left or right, 21 points: the wrist, then four for each finger from the thumb on",
    tuple(f"hand_{i}" for i in range(21)),
    tuple(limb for first in (1, 5, 9, 13, 17) for limb in itertools.pairwise((0, *range(first, first + 4)))),
)
