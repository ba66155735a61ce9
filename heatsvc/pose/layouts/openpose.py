"""OpenPose: BODY_25, the face of 70 points and two hands of 21, in the order of its JSON keys."""

from __future__ import annotations

import itertools

from heatsvc.pose.layouts.layout import Layout, face68, face68_limbs, hand, hand_limbs, limbs_by_name

_BODY_25 = (
    *("nose", "neck"),
    *("right_shoulder", "right_elbow", "right_wrist"),
    *("left_shoulder", "left_elbow", "left_wrist"),
    "mid_hip",
    *("right_hip", "right_knee", "right_ankle"),
    *("left_hip", "left_knee", "left_ankle"),
    *("right_eye", "left_eye", "right_ear", "left_ear"),
    *("left_big_toe", "left_small_toe", "left_heel"),
    *("right_big_toe", "right_small_toe", "right_heel"),
)
_POINTS = (*_BODY_25, *face68(), "right_pupil", "left_pupil", *hand("left"), *hand("right"))

_BODY_CHAINS = (
    ("mid_hip", "neck", "nose"),
    *(("neck", f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist", f"{side}_hand_0") for side in ("right", "left")),
    *(("mid_hip", f"{side}_hip", f"{side}_knee", f"{side}_ankle", f"{side}_big_toe") for side in ("right", "left")),
    *(("nose", f"{side}_eye", f"{side}_ear") for side in ("right", "left")),
    *((f"{side}_ankle", f"{side}_heel") for side in ("right", "left")),
    *((f"{side}_big_toe", f"{side}_small_toe") for side in ("right", "left")),
)

OPENPOSE137 = Layout(
    "openpose137",
    "OpenPose, 137 points: BODY_25 0-24, face 25-94, left hand 95-115, right hand 116-136",
    _POINTS,
    limbs_by_name(
        _POINTS,
        (
            *((a, b) for chain in _BODY_CHAINS for a, b in itertools.pairwise(chain)),
            *face68_limbs(),
            *hand_limbs("left"),
            *hand_limbs("right"),
        ),
    ),
)
