"""Results of AlphaPose, NTU's Kinect, ST-GCN, MediaPipe and Ultralytics."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import numpy as np

from tests.cases.formats.kind import HD, Kind, Point, flat, member, motion, point_of, text, zipped
from tests.cases.formats.pose_files import HOLISTIC_75

WIDE = (1920, 1080)
_UNIT = (1 / 1920, 1 / 1080, 1)


def unit(*shape: int, seed: int = 0) -> np.ndarray:
    """[..., 3] in 0..1 of the frame, with a score."""
    return (motion(*shape, seed=seed) * _UNIT).round(7)


def _result(image: object, points: int, seed: int, **more: object) -> dict[str, object]:
    return {"image_id": image, "category_id": 1, "keypoints": flat(motion(points, seed=seed)), "score": 2.5, **more}


def _alphapose(points: int) -> bytes:
    """Two tracked persons, the second of whom comes first in the second image."""
    found = [(0, 1), (0, 2), (1, 2), (1, 1), (2, 1)]
    return text([_result(f"{t}.jpg", points, 10 * t + idx, idx=idx) for t, idx in found])


def _alphapose_point(index: int) -> Any:
    def plain(data: bytes) -> Point:
        [person] = [one for one in json.loads(data) if one["image_id"] == "1.jpg" and one["idx"] == 2]
        return point_of(person["keypoints"][3 * index : 3 * index + 3])

    return plain


def _alphapose_open() -> bytes:
    return text(
        {f"{t}.jpg": {"version": 0.1, "people": [{"pose_keypoints_2d": flat(motion(18, seed=t))}]} for t in range(3)}
    )


def _alphapose_open_point(data: bytes) -> Point:
    numbers = json.loads(data)["2.jpg"]["people"][0]["pose_keypoints_2d"]
    return point_of(numbers[3 * 4 : 3 * 5])


def _kinetics() -> bytes:
    frames = []
    for t in range(3):
        points = unit(18, seed=t)
        frames.append(
            {
                "frame_index": t + 1,
                "skeleton": [{"pose": points[:, :2].ravel().tolist(), "score": points[:, 2].tolist()}],
            }
        )
    return text({"data": frames, "label": "jetskiing", "label_index": 163})


def _kinetics_point(data: bytes) -> Point:
    [person] = json.loads(data)["data"][1]["skeleton"]
    return person["pose"][2 * 7], person["pose"][2 * 7 + 1], person["score"][7]


def _ntu() -> bytes:
    """Of each joint x, y, z, depth x and y, color x and y, four numbers of its orientation, tracking state."""
    lines = ["3"]
    for t in range(3):
        lines += ["1", "72057594037931101 0 1 1 1 1 0 -0.4 -0.02 2", "25"]
        for x, y, _ in motion(25, seed=t):
            lines.append(f"0.218 0.172 3.785 277.419 191.82 {x} {y} -0.258 0.023 0.963 -0.07 2")
    return ("\n".join(lines) + "\n").encode()


def _ntu_point(data: bytes) -> Point:
    lines = data.decode().split("\n")
    numbers = lines[1 + 2 * 28 + 3 + 11].split()
    return float(numbers[5]), float(numbers[6]), 1.0


def _landmark(x: float, y: float, visibility: float) -> dict[str, float]:
    return {"x": float(x), "y": float(y), "z": -0.1, "visibility": float(visibility)}


def _tasks() -> bytes:
    frames = [{"pose_landmarks": [[_landmark(*one) for one in unit(33, seed=t)]]} for t in range(3)]
    return text(frames)


def _tasks_point(data: bytes) -> Point:
    one = json.loads(data)[2]["pose_landmarks"][0][15]
    return one["x"], one["y"], one["visibility"]


def _javascript() -> bytes:
    """The Holistic solution's results, pushed to a list."""
    frames = [
        {
            "poseLandmarks": [_landmark(*one) for one in unit(33, seed=t)],
            "leftHandLandmarks": [_landmark(*one) for one in unit(21, seed=10 + t)],
            "rightHandLandmarks": [_landmark(*one) for one in unit(21, seed=20 + t)],
        }
        for t in range(2)
    ]
    return text(frames)


def _javascript_point(data: bytes) -> Point:
    one = json.loads(data)[1]["rightHandLandmarks"][8]
    return one["x"], one["y"], 1.0


def _numbered_csv() -> bytes:
    rows = [
        [f"{axis}{i}" for i in range(33) for axis in ("x", "y", "z", "v")],
        *([str(number) for x, y, v in unit(33, seed=t) for number in (x, y, -0.2, v)] for t in range(3)),
    ]
    return "".join(",".join(row) + "\n" for row in rows).encode()


def _numbered_csv_point(data: bytes) -> Point:
    row = list(csv.DictReader(io.StringIO(data.decode())))[1]
    return float(row["x16"]), float(row["y16"]), float(row["v16"])


def _named_csv() -> bytes:
    names = HOLISTIC_75[0][1]
    rows = [
        ["frame", *(f"{name}_{axis}" for name in names for axis in ("x", "y", "z", "visibility"))],
        *([str(t), *(str(number) for x, y, v in unit(33, seed=t) for number in (x, y, 0.1, v))] for t in range(3)),
    ]
    return "".join(",".join(row) + "\n" for row in rows).encode()


def _named_csv_point(data: bytes) -> Point:
    row = list(csv.DictReader(io.StringIO(data.decode())))[2]
    return float(row["LEFT_ELBOW_x"]), float(row["LEFT_ELBOW_y"]), float(row["LEFT_ELBOW_visibility"])


def _yolo_line(seed: int) -> bytes:
    points = unit(17, seed=seed)
    (left, top), (right, bottom) = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    box = [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top]
    return (" ".join(f"{number:.7g}" for number in (0, *box, *points.ravel())) + "\n").encode()


def _yolo_labels() -> bytes:
    return zipped({f"predict/labels/walk_{t}.txt": _yolo_line(t) for t in range(1, 5)})


def _yolo_labels_point(data: bytes) -> Point:
    numbers = member(data, "predict/labels/walk_3.txt").split()
    return point_of([float(number) for number in numbers[5 + 3 * 9 : 5 + 3 * 10]])


def _yolo_json() -> bytes:
    frames = []
    for t in range(3):
        points = motion(17, seed=t)
        (left, top), (right, bottom) = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
        frames.append(
            [
                {
                    "name": "person",
                    "class": 0,
                    "confidence": 0.9,
                    "box": {"x1": left, "y1": top, "x2": right, "y2": bottom},
                    "keypoints": dict(zip(("x", "y", "visible"), points.T.tolist(), strict=True)),
                }
            ]
        )
    return text(frames)


def _yolo_json_point(data: bytes) -> Point:
    found = json.loads(data)[1][0]["keypoints"]
    return found["x"][6], found["y"][6], found["visible"][6]


def kind(tool: str, file: str, score: str, filename: str, make: Any, plain: Any, clip: str, **more: Any) -> Kind:
    return Kind(tool, file, score, filename, make, plain, clip, **({"options": HD} | more))


KINDS = (
    kind(
        *("AlphaPose", "`alphapose-results.json`, tracked persons (`idx`)", "third number", "alphapose-results.json"),
        *(lambda: _alphapose(17), _alphapose_point(10), "alphapose-results"),
        shape=(2, 3, 17), layout="coco17", point="right_wrist", where=(1, 1),
    ),
    kind(
        *("AlphaPose", "results of a Halpe model, 26 points", "third number", "alphapose-results.json"),
        *(lambda: _alphapose(26), _alphapose_point(20), "alphapose-results"),
        shape=(2, 3, 26), layout="halpe26", point="left_big_toe", where=(1, 1),
    ),
    kind(
        *("AlphaPose", "`--format open`", "third number", "alphapose-results.json", _alphapose_open),
        *(_alphapose_open_point, "alphapose-results"),
        shape=(1, 3, 18), layout="openpose18", point="right_wrist", where=(0, 2),
    ),
    kind(
        *("COCO", "results list of the evaluation", "third number", "person_keypoints_results.json"),
        lambda: text([_result(t, 17, t) for t in range(3)]),
        lambda data: point_of(json.loads(data)[2]["keypoints"][:3]),
        "person_keypoints_results",
        shape=(1, 3, 17), layout="coco17", point="nose", where=(0, 2),
    ),
    kind(
        *("ST-GCN (Kinetics-skeleton)", "JSON of a video", "`score`", "---QUuC4vJs.json", _kinetics, _kinetics_point),
        "---QUuC4vJs",
        shape=(1, 3, 18), layout="openpose18", point="left_wrist", where=(0, 1), scale=WIDE,
    ),
    kind(
        *("NTU RGB+D", "`.skeleton`, the joints in the color image", "1 tracked, 0.5 inferred, 0 neither"),
        *("S001C001P001R001A001.skeleton", _ntu, _ntu_point, "S001C001P001R001A001"),
        shape=(1, 3, 25), layout="ntu25", point="right_palm", where=(0, 2), options={}, img_shape=(1080, 1920),
    ),
    kind(
        *("MediaPipe Tasks", "JSON of `pose_landmarks` of each frame", "visibility", "walk.json", _tasks),
        *(_tasks_point, "walk"),
        shape=(1, 3, 33), layout="mediapipe_pose33", point="left_wrist", where=(0, 2), scale=WIDE,
    ),
    kind(
        *("MediaPipe Holistic (JavaScript)", "JSON of `poseLandmarks`, `leftHandLandmarks`, `rightHandLandmarks`"),
        *("visibility; hands 1", "hello.json", _javascript, _javascript_point, "hello"),
        shape=(1, 2, 75), layout="mediapipe_holistic_75", point="right_hand_8", where=(0, 1), scale=WIDE,
    ),
    kind(
        *("MediaPipe (tutorials)", "CSV of x0, y0, z0, v0 ..., a row for each frame", "v", "coords.csv"),
        *(_numbered_csv, _numbered_csv_point, "coords"),
        shape=(1, 3, 33), layout="mediapipe_pose33", point="right_wrist", where=(0, 1), scale=WIDE,
    ),
    kind(
        *("MediaPipe (tutorials)", "CSV of NOSE_x, NOSE_y ..., a row for each frame", "visibility", "coords.csv"),
        *(_named_csv, _named_csv_point, "coords"),
        shape=(1, 3, 33), layout="mediapipe_pose33", point="left_elbow", where=(0, 2), scale=WIDE,
    ),
    kind(
        *("Ultralytics YOLO", "`save_txt`: labels of each image of a video", "third number", "predict.zip"),
        *(_yolo_labels, _yolo_labels_point, "walk"),
        shape=(1, 4, 17), layout="coco17", point="left_wrist", where=(0, 2), scale=WIDE,
    ),
    kind(
        *("Ultralytics YOLO", "`to_json()` of each image, in a list", "`visible`", "walk.json", _yolo_json),
        *(_yolo_json_point, "walk"),
        shape=(1, 3, 17), layout="coco17", point="right_shoulder", where=(0, 1),
    ),
)  # fmt: skip
