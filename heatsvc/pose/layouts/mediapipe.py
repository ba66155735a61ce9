"""MediaPipe Holistic: pose 33, face mesh 468 (478 with the irises), two hands of 21.

The points of the face mesh have no left and right names: their channels are not exchanged in a mirrored copy.
"""

from __future__ import annotations

import itertools

from heatsvc.pose.layouts.layout import Layout, hand, hand_limbs, limbs_by_name


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


def _holistic(name: str, title: str, face_points: int) -> Layout:
    points = (*POSE_33, *(f"face_mesh_{i}" for i in range(face_points)), *hand("left"), *hand("right"))
    limbs = (
        *((a, b) for chain in _CHAINS for a, b in itertools.pairwise(chain)),
        *hand_limbs("left"),
        *hand_limbs("right"),
    )
    return Layout(name, title, points, limbs_by_name(points, limbs))


MEDIAPIPE_HOLISTIC = _holistic(
    "mediapipe_holistic",
    "MediaPipe Holistic, 543 points: pose 0-32, face mesh 33-500, left hand 501-521, right hand 522-542",
    468,
)
MEDIAPIPE_HOLISTIC_IRIS = _holistic(
    "mediapipe_holistic_iris",
    "MediaPipe Holistic with irises, 553 points: pose 0-32, face mesh 33-510, left hand 511-531, right hand 532-552",
    478,
)
