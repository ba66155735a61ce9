"""COCO: the body of 17 points, and COCO-WholeBody with feet, face and hands (Jin et al., ECCV 2020)."""

from __future__ import annotations

from heatsvc.pose.layouts.layout import Layout, face68, face68_limbs, hand, hand_limbs, limbs_by_name

BODY = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)

# In PYSKL's order, which is the order of a limb volume's channels.
BODY_LIMBS = (
    *((0, 1), (0, 2), (1, 3), (2, 4)),
    *((0, 5), (5, 7), (7, 9), (0, 6), (6, 8), (8, 10)),
    *((5, 11), (11, 13), (13, 15), (6, 12), (12, 14), (14, 16), (11, 12)),
)

COCO17 = Layout("coco17", "COCO body, 17 points", BODY, BODY_LIMBS)

_FEET = tuple(f"{side}_{point}" for side in ("left", "right") for point in ("big_toe", "small_toe", "heel"))
_WHOLEBODY = (*BODY, *_FEET, *face68(), *hand("left"), *hand("right"))

COCO_WHOLEBODY = Layout(
    "coco_wholebody",
    "COCO-WholeBody, 133 points: body 0-16, feet 17-22, face 23-90, left hand 91-111, right hand 112-132",
    _WHOLEBODY,
    (
        *BODY_LIMBS,
        *limbs_by_name(
            _WHOLEBODY,
            (
                *((f"{side}_ankle", f"{side}_{toe}") for side in ("left", "right") for toe in ("big_toe", "heel")),
                *((f"{side}_big_toe", f"{side}_small_toe") for side in ("left", "right")),
                *face68_limbs(),
                *(("left_wrist", "left_hand_0"), ("right_wrist", "right_hand_0")),
                *hand_limbs("left"),
                *hand_limbs("right"),
            ),
        ),
    ),
)
