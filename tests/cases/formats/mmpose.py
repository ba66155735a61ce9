"""MMPose's predictions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.cases.formats.kind import HD, Kind, Point, motion, text

_HALPE26 = (
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow"),
    *("right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle"),
    *("right_ankle", "head", "neck", "hip", "left_big_toe", "right_big_toe", "left_small_toe", "right_small_toe"),
    *("left_heel", "right_heel"),
)
_HAND = (
    "wrist",
    *(
        f"{finger}{i}"
        for finger in ("thumb", "forefinger", "middle_finger", "ring_finger", "pinky_finger")
        for i in (1, 2, 3, 4)
    ),
)


def _instance(points: np.ndarray) -> dict[str, Any]:
    (left, top), (right, bottom) = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    return {
        "keypoints": points[:, :2].tolist(),
        "keypoint_scores": points[:, 2].tolist(),
        "bbox": [[left, top, right, bottom]],
        "bbox_score": 0.91,
    }


def _video(points: int, people: Sequence[int]) -> list[dict[str, Any]]:
    return [
        {"frame_id": t, "instances": [_instance(motion(points, seed=10 * t + m)) for m in range(count)]}
        for t, count in enumerate(people)
    ]


def _meta(names: Sequence[str]) -> dict[str, Any]:
    return {
        "dataset_name": "made_up",
        "num_keypoints": len(names),
        "keypoint_id2name": dict(enumerate(names)),
        "keypoint_name2id": {name: i for i, name in enumerate(names)},
        "skeleton_links": [[0, 1], [1, 2]],
    }


def _instance_point(instance: Any, index: int) -> Point:
    x, y = instance["keypoints"][index]
    return x, y, instance["keypoint_scores"][index]


KINDS = (
    Kind(
        tool="MMPose",
        file="inferencer's JSON of an image",
        score="`keypoint_scores`",
        filename="000000000785.json",
        make=lambda: text([_instance(motion(17, seed=1)), _instance(motion(17, seed=2))]),
        plain=lambda data: _instance_point(json.loads(data)[1], 10),
        clip="000000000785",
        shape=(2, 1, 17),
        layout="coco17",
        point="right_wrist",
        where=(1, 0),
        options=HD,
    ),
    Kind(
        tool="MMPose",
        file="inferencer's JSON of a video",
        score="`keypoint_scores`",
        filename="demo.json",
        make=lambda: text(_video(133, (1, 0, 2))),
        plain=lambda data: _instance_point(json.loads(data)[2]["instances"][1], 95),
        clip="demo",
        shape=(2, 3, 133),
        layout="coco_wholebody",
        point="left_hand_4",
        where=(1, 2),
        options=HD,
    ),
    Kind(
        tool="MMPose",
        file="demos' `--save-predictions`, with `meta_info`",
        score="`keypoint_scores`",
        filename="results_demo.json",
        make=lambda: text({"meta_info": _meta(_HALPE26), "instance_info": _video(26, (1, 1))}),
        plain=lambda data: _instance_point(json.loads(data)["instance_info"][1]["instances"][0], 20),
        clip="results_demo",
        shape=(1, 2, 26),
        layout="halpe26",
        point="left_big_toe",
        where=(0, 1),
        options=HD,
    ),
    Kind(
        tool="MMPose",
        file="predictions of a model of hands, with `meta_info`",
        score="`keypoint_scores`",
        filename="results_hand.json",
        make=lambda: text({"meta_info": _meta(_HAND), "instance_info": _video(21, (2, 2))}),
        plain=lambda data: _instance_point(json.loads(data)["instance_info"][0]["instances"][1], 8),
        clip="results_hand",
        shape=(2, 2, 21),
        layout="hand21",
        point="hand_8",
        where=(1, 0),
        options=HD,
    ),
)
