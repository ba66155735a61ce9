"""Body layouts of CrowdPose, Human3.6M, PoseTrack18 and NTU RGB+D (Kinect)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from heatsvc.pose.layouts.coco import BODY
from heatsvc.pose.layouts.layout import Layout, limbs_by_name

_SIDES = ("left", "right")
_ARMS = tuple((f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist") for side in _SIDES)
_LEGS = tuple((f"{side}_hip", f"{side}_knee", f"{side}_ankle") for side in _SIDES)


def _layout(name: str, title: str, points: Sequence[str], *chains: Sequence[str]) -> Layout:
    limbs = (limb for chain in chains for limb in itertools.pairwise(chain))
    return Layout(name, title, tuple(points), limbs_by_name(points, limbs))


# Li et al., CVPR 2019; https://github.com/Jeff-sjtu/CrowdPose
CROWDPOSE14 = _layout(
    "crowdpose14",
    "CrowdPose, 14 points: arms and legs 0-11, top of the head 12, neck 13",
    (*BODY[5:], "head_top", "neck"),
    ("head_top", "neck"),
    *(("neck", *arm) for arm in _ARMS),
    *(("neck", *leg) for leg in _LEGS),
)

# Ionescu et al., PAMI 2014, in the order of MMPose and most 3D code; the points called foot are ankles.
H36M17 = _layout(
    "h36m17",
    "Human3.6M, 17 points: legs 0-6, spine and head 7-10, arms 11-16",
    (
        "pelvis",
        *("right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle"),
        *("spine", "thorax", "neck_base", "head"),
        *("left_shoulder", "left_elbow", "left_wrist", "right_shoulder", "right_elbow", "right_wrist"),
    ),
    ("pelvis", "spine", "thorax", "neck_base", "head"),
    *(("thorax", *arm) for arm in _ARMS),
    *(("pelvis", *leg) for leg in _LEGS),
)

# Andriluka et al., CVPR 2018: 15 points are annotated, the ears are in its files and empty.
POSETRACK18 = _layout(
    "posetrack18",
    "PoseTrack18, whose files have 17 points: head 0-4 (ears always empty), arms and legs 5-16",
    ("nose", "head_bottom", "head_top", *BODY[3:]),
    ("head_top", "nose", "head_bottom"),
    *(("head_bottom", *arm) for arm in _ARMS),
    *((f"{side}_shoulder", *leg) for side, leg in zip(_SIDES, _LEGS, strict=True)),
    ("left_hip", "right_hip"),
)

# Shahroudy et al., CVPR 2016: the joints of Kinect v2. Its neck is above the shoulders, its head in the head's middle.
NTU25 = _layout(
    "ntu25",
    "NTU RGB+D, 25 points of Kinect v2",
    (
        *("pelvis", "spine_middle", "upper_neck", "head_center"),
        *(f"{side}_{joint}" for side in _SIDES for joint in ("shoulder", "elbow", "wrist", "palm")),
        *(f"{side}_{joint}" for side in _SIDES for joint in ("hip", "knee", "ankle", "foot")),
        "spine_shoulder",
        *(f"{side}_{joint}" for side in _SIDES for joint in ("hand_tip", "thumb_tip")),
    ),
    ("pelvis", "spine_middle", "spine_shoulder", "upper_neck", "head_center"),
    *(("spine_shoulder", *arm, f"{side}_palm", f"{side}_hand_tip") for side, arm in zip(_SIDES, _ARMS, strict=True)),
    *((f"{side}_palm", f"{side}_thumb_tip") for side in _SIDES),
    *(("pelvis", *leg, f"{side}_foot") for side, leg in zip(_SIDES, _LEGS, strict=True)),
)
