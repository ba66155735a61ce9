"""Layouts of OpenPose: its body models, the face of 70 points and two hands of 21, in the order of its JSON keys.

https://github.com/CMU-Perceptual-Computing-Lab/openpose/blob/master/doc/02_output.md
"""

from __future__ import annotations

import itertools

from heatsvc.pose.layouts.layout import Layout, face68, face68_limbs, hand, hand_limbs, limbs_between

_ARMS = (
    *("right_shoulder", "right_elbow", "right_wrist"),
    *("left_shoulder", "left_elbow", "left_wrist"),
)
_LEGS = (
    *("right_hip", "right_knee", "right_ankle"),
    *("left_hip", "left_knee", "left_ankle"),
)
_EYES_AND_EARS = ("right_eye", "left_eye", "right_ear", "left_ear")
_FEET = (
    *("left_big_toe", "left_small_toe", "left_heel"),
    *("right_big_toe", "right_small_toe", "right_heel"),
)
_FACE = (*face68(), "right_pupil", "left_pupil")
_HANDS = (*hand("left"), *hand("right"))
_BODY_25 = ("nose", "neck", *_ARMS, "mid_hip", *_LEGS, *_EYES_AND_EARS, *_FEET)
_BODY_18 = ("nose", "neck", *_ARMS, *_LEGS, *_EYES_AND_EARS)
_BODY_15 = ("head_top", "neck", *_ARMS, *_LEGS, "chest")

_CHAINS = (
    ("mid_hip", "neck", "nose"),
    *(("neck", f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist", f"{side}_hand_0") for side in ("right", "left")),
    *(("mid_hip", f"{side}_hip", f"{side}_knee", f"{side}_ankle", f"{side}_big_toe") for side in ("right", "left")),
    *(("nose", f"{side}_eye", f"{side}_ear") for side in ("right", "left")),
    *((f"{side}_ankle", f"{side}_heel") for side in ("right", "left")),
    *((f"{side}_big_toe", f"{side}_small_toe") for side in ("right", "left")),
)
_LIMBS = (
    *(limb for chain in _CHAINS for limb in itertools.pairwise(chain)),
    *face68_limbs(),
    *hand_limbs("left"),
    *hand_limbs("right"),
)
# The older models have no point between the hips: their legs begin at the neck, or at the chest.
_LIMBS_18 = (*(("neck", f"{side}_hip") for side in ("right", "left")), *_LIMBS)
_LIMBS_15 = (
    *(("head_top", "neck"), ("neck", "chest")),
    *(("chest", f"{side}_hip") for side in ("right", "left")),
    *_LIMBS,
)

OPENPOSE15 = Layout("openpose15", "OpenPose MPI, 15 points of the body", _BODY_15, limbs_between(_BODY_15, _LIMBS_15))
OPENPOSE18 = Layout("openpose18", "OpenPose COCO, 18 points of the body", _BODY_18, limbs_between(_BODY_18, _LIMBS_18))
OPENPOSE25 = Layout(
    "openpose25", "OpenPose BODY_25, 25 points of body and feet", _BODY_25, limbs_between(_BODY_25, _LIMBS)
)
OPENPOSE67 = Layout(
    "openpose67",
    "OpenPose with hands, 67 points: BODY_25 0-24, left hand 25-45, right hand 46-66",
    (*_BODY_25, *_HANDS),
    limbs_between((*_BODY_25, *_HANDS), _LIMBS),
)
OPENPOSE137 = Layout(
    "openpose137",
    "OpenPose, 137 points: BODY_25 0-24, face 25-94, left hand 95-115, right hand 116-136",
    (*_BODY_25, *_FACE, *_HANDS),
    limbs_between((*_BODY_25, *_FACE, *_HANDS), _LIMBS),
)

OPENPOSE_LIMBS = {25: _LIMBS, 18: _LIMBS_18, 15: _LIMBS_15}
"""Limbs of all parts together, by the names of their ends and the number of the body's points."""

OPENPOSE_PARTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "pose_keypoints_2d": (_BODY_25, _BODY_18, _BODY_15),
    "face_keypoints_2d": (_FACE,),
    "hand_left_keypoints_2d": (hand("left"),),
    "hand_right_keypoints_2d": (hand("right"),),
}
"""The keys of a person in OpenPose's JSON, in the layouts' order, and the possible numbers of points of each."""
