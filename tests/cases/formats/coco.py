"""COCO's annotations, and the datasets that are in its form."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tests.cases.formats.kind import HD, Kind, Point, flat, motion, point_of, text

COCO = (
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow"),
    *("right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle"),
    "right_ankle",
)
_CROWDPOSE = (
    *("left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip"),
    *("right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle", "head", "neck"),
)
_POSETRACK = ("nose", "head_bottom", "head_top", *COCO[3:])
_PARTS = (("foot_kpts", 6), ("face_kpts", 68), ("lefthand_kpts", 21), ("righthand_kpts", 21))


def _numbers(count: int, seed: int, visibility: int | None) -> list[float]:
    """x, y, v: visibility flags, or a score where it is None."""
    points = motion(count, seed=seed)
    if visibility is not None:
        points[:, :2] = np.floor(points[:, :2])
        points[:, 2] = visibility
    return flat(points)


def document(
    points: int | None,
    names: Sequence[str] = (),
    images: int = 3,
    *,
    visibility: int | None = 2,
    size: bool = True,
    parts: bool = False,
) -> dict[str, Any]:
    """An annotation file of one person an image."""
    found = []
    for t in range(images):
        numbers = _numbers(points or len(names), t, visibility)
        entry: dict[str, Any] = {
            "id": 1000 + t,
            "image_id": 500 + t,
            "category_id": 1,
            "num_keypoints": len(numbers) // 3,
            "keypoints": numbers,
            "bbox": [100, 100, 900, 700],
            "area": 630000,
            "iscrowd": 0,
        }
        for number, (part, count) in enumerate(_PARTS if parts else ()):
            entry[part] = _numbers(count, 50 * t + number, None)
            entry[part.replace("kpts", "valid")] = True
        found.append(entry)
    shape = {"height": 1080, "width": 1920} if size else {}
    category = {"id": 1, "name": "person", "supercategory": "person"}
    if names:
        category |= {"keypoints": list(names), "skeleton": [[1, 2], [2, 3]]}
    return {
        "info": {"description": "made up"},
        "licenses": [],
        "images": [{"id": 500 + t, "file_name": f"{t:06d}.jpg", **shape} for t in range(images)],
        "annotations": found,
        "categories": [category],
    }


def read(image: int, index: int, part: str = "keypoints") -> Callable[[bytes], Point]:
    """A point of the annotation of an image: three numbers; a flag of 1 or 2 is a score of 1."""

    def plain(data: bytes) -> Point:
        [entry] = [one for one in json.loads(data)["annotations"] if one["image_id"] == 500 + image]
        x, y, score = point_of(entry[part][3 * index : 3 * index + 3])
        return x, y, min(score, 1)

    return plain


KINDS = (
    Kind(
        tool="COCO",
        file="`person_keypoints_*.json`, the images in a row",
        score="1 where the flag is 1 or 2, 0 where it is 0",
        filename="person_keypoints_val2017.json",
        make=lambda: text(document(None, COCO)),
        plain=read(1, 9),
        clip="person_keypoints_val2017",
        shape=(1, 3, 17),
        layout="coco17",
        point="left_wrist",
        where=(0, 1),
        img_shape=(1080, 1920),
    ),
    Kind(
        tool="COCO-WholeBody",
        file="annotations with `foot_kpts`, `face_kpts`, `lefthand_kpts`, `righthand_kpts`",
        score="third number",
        filename="coco_wholebody_val_v1.0.json",
        make=lambda: text(document(None, COCO, parts=True, visibility=None)),
        plain=read(2, 12, "righthand_kpts"),
        clip="coco_wholebody_val_v1.0",
        shape=(1, 3, 133),
        layout="coco_wholebody",
        point="right_hand_12",
        where=(0, 2),
        img_shape=(1080, 1920),
    ),
    Kind(
        tool="CrowdPose",
        file="annotations of 14 points",
        score="1 where the flag is 1 or 2",
        filename="crowdpose_test.json",
        make=lambda: text(document(None, _CROWDPOSE)),
        plain=read(0, 13),
        clip="crowdpose_test",
        shape=(1, 3, 14),
        layout="crowdpose14",
        point="neck",
        img_shape=(1080, 1920),
    ),
    Kind(
        tool="Halpe-FullBody",
        file="annotations of 136 points without names",
        score="third number",
        filename="halpe_val_v1.json",
        make=lambda: text(document(136, visibility=None)),
        plain=read(1, 94 + 21 + 4),
        clip="halpe_val_v1",
        shape=(1, 3, 136),
        layout="halpe136",
        point="right_hand_4",
        where=(0, 1),
        options={"layout": "halpe136"},
        img_shape=(1080, 1920),
    ),
    Kind(
        tool="PoseTrack18",
        file="annotations of a sequence",
        score="1 where the flag is 1 or 2",
        filename="000342_mpii_test.json",
        make=lambda: text(document(None, _POSETRACK, size=False)),
        plain=read(2, 1),
        clip="000342_mpii_test",
        shape=(1, 3, 17),
        layout="posetrack18",
        point="head_bottom",
        where=(0, 2),
        options=HD,
    ),
    Kind(
        tool="COCO",
        file="COCO JSON whose category names other points",
        score="third number",
        filename="annotations.json",
        make=lambda: text(document(None, ("beak", "left_wing", "right_wing", "tail"), visibility=None)),
        plain=read(1, 3),
        clip="annotations",
        shape=(1, 3, 4),
        layout=None,
        point="tail",
        where=(0, 1),
        img_shape=(1080, 1920),
    ),
)
