"""Subsets of COCO-WholeBody for sign language: upper body, and ten or all points of each hand."""

from __future__ import annotations

from heatsvc.pose.layouts.coco import BODY, BODY_LIMBS
from heatsvc.pose.layouts.layout import Layout, hand, hand_limbs, limbs_by_name

# Wrist, thumb tip, and of each further finger its knuckle and its tip.
_HAND_POINTS = (0, 4, 5, 8, 9, 12, 13, 16, 17, 20)
_HANDS = tuple(f"{side}_hand_{i}" for side in ("left", "right") for i in _HAND_POINTS)

_SIGN27 = (BODY[0], *BODY[5:11], *_HANDS)
_SIGN31 = (*BODY[:11], *_HANDS)
_SIGN59 = (*BODY, *hand("left"), *hand("right"))

_ARM_LIMBS = (
    *(("nose", "left_shoulder"), ("nose", "right_shoulder")),
    *(("left_shoulder", "left_elbow"), ("left_elbow", "left_wrist")),
    *(("right_shoulder", "right_elbow"), ("right_elbow", "right_wrist")),
    *(("left_wrist", "left_hand_0"), ("right_wrist", "right_hand_0")),
)
_HAND_LIMBS = tuple(
    (f"{side}_hand_{_HAND_POINTS[a]}", f"{side}_hand_{_HAND_POINTS[b]}")
    for side in ("left", "right")
    for a, b in ((0, 1), (0, 2), (0, 4), (0, 6), (0, 8), (2, 3), (4, 5), (6, 7), (8, 9))
)
_HEAD_LIMBS = (("nose", "left_eye"), ("nose", "right_eye"), ("left_eye", "left_ear"), ("right_eye", "right_ear"))

SIGN27 = Layout(
    "sign27",
    "27 of COCO-WholeBody's points for sign language: nose and arms 0-6, ten of the left hand 7-16, of the right 17-26",
    _SIGN27,
    limbs_by_name(_SIGN27, (*_ARM_LIMBS, *_HAND_LIMBS)),
)
SIGN31 = Layout(
    "sign31",
    "head and upper body 0-10, left hand 11-20, right hand 21-30",
    _SIGN31,
    limbs_by_name(_SIGN31, (*_HEAD_LIMBS, *_ARM_LIMBS, *_HAND_LIMBS)),
)
SIGN59 = Layout(
    "sign59",
    "COCO body 0-16, left hand 17-37, right hand 38-58",
    _SIGN59,
    (
        *BODY_LIMBS,
        *limbs_by_name(
            _SIGN59,
            (
                *(("left_wrist", "left_hand_0"), ("right_wrist", "right_hand_0")),
                *hand_limbs("left"),
                *hand_limbs("right"),
            ),
        ),
    ),
)
