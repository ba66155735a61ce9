"""`.pose` files, written and read by struct after the specifications of the package pose-format.

https://github.com/sign-language-processing/pose/tree/master/docs/specs
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np

from tests.cases.formats.kind import Kind, Point, motion

_POSE33 = (
    *("NOSE", "LEFT_EYE_INNER", "LEFT_EYE", "LEFT_EYE_OUTER", "RIGHT_EYE_INNER", "RIGHT_EYE", "RIGHT_EYE_OUTER"),
    *("LEFT_EAR", "RIGHT_EAR", "MOUTH_LEFT", "MOUTH_RIGHT", "LEFT_SHOULDER", "RIGHT_SHOULDER", "LEFT_ELBOW"),
    *("RIGHT_ELBOW", "LEFT_WRIST", "RIGHT_WRIST", "LEFT_PINKY", "RIGHT_PINKY", "LEFT_INDEX", "RIGHT_INDEX"),
    *("LEFT_THUMB", "RIGHT_THUMB", "LEFT_HIP", "RIGHT_HIP", "LEFT_KNEE", "RIGHT_KNEE", "LEFT_ANKLE", "RIGHT_ANKLE"),
    *("LEFT_HEEL", "RIGHT_HEEL", "LEFT_FOOT_INDEX", "RIGHT_FOOT_INDEX"),
)
_HAND = (
    *("WRIST", "THUMB_CMC", "THUMB_MCP", "THUMB_IP", "THUMB_TIP", "INDEX_FINGER_MCP", "INDEX_FINGER_PIP"),
    *("INDEX_FINGER_DIP", "INDEX_FINGER_TIP", "MIDDLE_FINGER_MCP", "MIDDLE_FINGER_PIP", "MIDDLE_FINGER_DIP"),
    *("MIDDLE_FINGER_TIP", "RING_FINGER_MCP", "RING_FINGER_PIP", "RING_FINGER_DIP", "RING_FINGER_TIP", "PINKY_MCP"),
    *("PINKY_PIP", "PINKY_DIP", "PINKY_TIP"),
)
_HANDS = (("LEFT_HAND_LANDMARKS", _HAND), ("RIGHT_HAND_LANDMARKS", _HAND))
_BODY = ("POSE_LANDMARKS", _POSE33)
_WORLD = ("POSE_WORLD_LANDMARKS", _POSE33)
HOLISTIC = (_BODY, ("FACE_LANDMARKS", tuple(map(str, range(468)))), *_HANDS, _WORLD)
HOLISTIC_75 = (_BODY, *_HANDS)
_FRAMES = 3

Components = Sequence[tuple[str, Sequence[str]]]


def _text(value: str) -> bytes:
    return struct.pack("<H", len(value)) + value.encode()


def written(version: float, components: Components, columns: str = "XYZC") -> bytes:
    """A file of one person: header, then all numbers of all points, then all confidences."""
    data = struct.pack("<fHHHH", version, 1920, 1080, 0, len(components))
    for name, points in components:
        data += _text(name) + _text(columns) + struct.pack("<HHH", len(points), 1, 1)
        data += b"".join(map(_text, points)) + struct.pack("<HH", 0, 1) + struct.pack("<HHH", 255, 0, 0)
    count, dims = sum(len(points) for _, points in components), len(columns) - 1
    if version > 0.15:
        data += struct.pack("<fIH", 25.0, _FRAMES, 1)
    else:
        data += struct.pack("<HHH", 25, _FRAMES, 1)
    points = motion(_FRAMES, count, seed=dims)
    numbers = points[..., :2]
    if dims == 3:
        numbers = np.concatenate([numbers, np.zeros((_FRAMES, count, 1))], axis=-1)
    return data + numbers.astype("<f4").tobytes() + points[..., 2].astype("<f4").tobytes()


def read(data: bytes, frame: int, index: int, count: int, dims: int) -> Point:
    """A point by its place from the file's end, where the numbers and then the confidences are."""
    confidences = len(data) - 4 * _FRAMES * count
    numbers = confidences - 4 * _FRAMES * count * dims
    at = frame * count + index
    x, y = struct.unpack_from("<ff", data, numbers + 4 * dims * at)
    (score,) = struct.unpack_from("<f", data, confidences + 4 * at)
    return x, y, score


_OPENPOSE = (
    (
        "pose_keypoints_2d",
        (
            *("Nose", "Neck", "RShoulder", "RElbow", "RWrist", "LShoulder", "LElbow", "LWrist", "MidHip", "RHip"),
            *("RKnee", "RAnkle", "LHip", "LKnee", "LAnkle", "REye", "LEye", "REar", "LEar", "LBigToe", "LSmallToe"),
            *("LHeel", "RBigToe", "RSmallToe", "RHeel"),
        ),
    ),
)

KINDS = (
    Kind(
        tool="pose-format",
        file="`.pose` 0.1 of MediaPipe Holistic, 576 points with world landmarks",
        score="confidence",
        filename="ase_hello.pose",
        make=lambda: written(0.1, HOLISTIC),
        plain=lambda data: read(data, 1, 33 + 468 + 8, 576, 3),
        clip="ase_hello",
        shape=(1, 3, 543),
        layout="mediapipe_holistic",
        point="left_hand_8",
        where=(0, 1),
        img_shape=(1080, 1920),
    ),
    Kind(
        tool="pose-format",
        file="`.pose` 0.2 of MediaPipe Holistic",
        score="confidence",
        filename="ase_hello.pose",
        make=lambda: written(0.2, HOLISTIC[:-1]),
        plain=lambda data: read(data, 2, 16, 543, 3),
        clip="ase_hello",
        shape=(1, 3, 543),
        layout="mediapipe_holistic",
        point="right_wrist",
        where=(0, 2),
        img_shape=(1080, 1920),
    ),
    Kind(
        tool="pose-format",
        file="`.pose` of Holistic's 75 points without the face",
        score="confidence",
        filename="reduced.pose",
        make=lambda: written(0.2, HOLISTIC_75),
        plain=lambda data: read(data, 0, 33 + 21 + 4, 75, 3),
        clip="reduced",
        shape=(1, 3, 75),
        layout="mediapipe_holistic_75",
        point="right_hand_4",
        img_shape=(1080, 1920),
    ),
    Kind(
        tool="pose-format",
        file="`.pose` of OpenPose's points, x and y only",
        score="confidence",
        filename="openpose.pose",
        make=lambda: written(0.1, _OPENPOSE, "XYC"),
        plain=lambda data: read(data, 2, 4, 25, 2),
        clip="openpose",
        shape=(1, 3, 25),
        layout="openpose25",
        point="right_wrist",
        where=(0, 2),
        img_shape=(1080, 1920),
    ),
)
