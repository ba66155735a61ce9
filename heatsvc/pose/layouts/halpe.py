"""Halpe: AlphaPose's body of 26 points, and with face and hands (https://github.com/Fang-Haoshu/Halpe-FullBody)."""

from __future__ import annotations

from heatsvc.pose.layouts.coco import BODY, BODY_LIMBS
from heatsvc.pose.layouts.layout import Layout, face68, face68_limbs, hand, hand_limbs, limbs_between

_SIDES = ("left", "right")
_BODY_26 = (
    *BODY,
    *("head_top", "neck", "mid_hip"),
    *(f"{side}_{point}" for point in ("big_toe", "small_toe", "heel") for side in _SIDES),
)
_POINTS_136 = (*_BODY_26, *face68(), *hand("left"), *hand("right"))
_LIMBS = (
    *((BODY[a], BODY[b]) for a, b in BODY_LIMBS),
    *(("head_top", "neck"), ("neck", "mid_hip")),
    *((f"{side}_ankle", f"{side}_{point}") for side in _SIDES for point in ("big_toe", "heel")),
    *((f"{side}_big_toe", f"{side}_small_toe") for side in _SIDES),
    *face68_limbs(),
    *((f"{side}_wrist", f"{side}_hand_0") for side in _SIDES),
    *hand_limbs("left"),
    *hand_limbs("right"),
)

HALPE26 = Layout(
    "halpe26",
    "Halpe, 26 points: COCO body 0-16, head, neck, middle of the hips 17-19, feet 20-25",
    _BODY_26,
    limbs_between(_BODY_26, _LIMBS),
)
HALPE136 = Layout(
    "halpe136",
    "Halpe, 136 points: body 0-25, face 26-93, left hand 94-114, right hand 115-135",
    _POINTS_136,
    limbs_between(_POINTS_136, _LIMBS),
)
