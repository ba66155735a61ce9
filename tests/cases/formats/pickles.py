"""Annotation pickles of PYSKL and MMAction2."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np

from tests.cases.formats.kind import Kind, Point, motion


def annotation(name: str, label: int, *, key: str = "frame_dir", dtype: type = np.float16) -> dict[str, Any]:
    """One clip of two persons."""
    points = motion(2, 5, 17, seed=label)
    return {
        key: name,
        "label": label,
        "img_shape": (1080, 1920),
        "original_shape": (1080, 1920),
        "total_frames": 5,
        "num_person_raw": 2,
        "keypoint": points[..., :2].astype(dtype),
        "keypoint_score": points[..., 2].astype(dtype),
    }


def _two(**how: Any) -> list[dict[str, Any]]:
    return [annotation("S001C001P001R001A001", 0, **how), annotation("S017C003P020R002A060", 59, **how)]


def _dump(content: object, protocol: int = 4) -> bytes:
    return pickle.dumps(content, protocol)


def _point(clip: dict[str, Any], m: int, t: int, v: int) -> Point:
    x, y = clip["keypoint"][m, t, v]
    return float(x), float(y), float(clip["keypoint_score"][m, t, v])


def _split() -> bytes:
    clips = _two()
    names = [clip["frame_dir"] for clip in clips]
    return _dump({"split": {"xsub_train": names[:1], "xsub_val": names[1:]}, "annotations": clips})


def _compressed() -> bytes:
    """PYSKL's Kinetics: a row for each person found, with the frame that it is from."""
    rows = motion(5, 17, seed=8)
    clip = {
        "frame_dir": "abseiling/0347ZoDXyP0_000095_000105",
        "label": 0,
        "img_shape": (340, 455),
        "total_frames": 3,
        "frame_inds": np.array([0, 0, 1, 2, 2], np.int16),
        "box_score": np.array([0.99, 0.6, 0.98, 0.97, 0.5], np.float16),
        "keypoint": (rows * (0.25, 0.3, 1)).astype(np.float16),
    }
    return _dump([clip])


def _compressed_point(data: bytes) -> Point:
    [clip] = pickle.loads(data)
    rows = [row for row, t in zip(clip["keypoint"], clip["frame_inds"], strict=True) if t == 2]
    x, y, score = rows[1][6]
    return float(x), float(y), float(score)


KINDS = (
    Kind(
        tool="PYSKL",
        file="`ntu60_hrnet.pkl`: splits and annotations",
        score="`keypoint_score`",
        filename="ntu60_hrnet.pkl",
        make=_split,
        plain=lambda data: _point(pickle.loads(data)["annotations"][1], 1, 4, 10),
        clip="S017C003P020R002A060",
        shape=(2, 5, 17),
        layout="coco17",
        point="right_wrist",
        where=(1, 4),
        img_shape=(1080, 1920),
        clips=2,
    ),
    Kind(
        tool="PYSKL",
        file="a list of annotations, such as its tutorial makes for one's own videos",
        score="`keypoint_score`",
        filename="train.pkl",
        make=lambda: _dump(_two(dtype=np.float32)),
        plain=lambda data: _point(pickle.loads(data)[0], 0, 2, 0),
        clip="S001C001P001R001A001",
        shape=(2, 5, 17),
        layout="coco17",
        point="nose",
        where=(0, 2),
        img_shape=(1080, 1920),
        clips=2,
    ),
    Kind(
        tool="PYSKL",
        file="compressed annotations of Kinetics (`frame_inds`)",
        score="third number",
        filename="k400_hrnet.pkl",
        make=_compressed,
        plain=_compressed_point,
        clip="abseiling/0347ZoDXyP0_000095_000105",
        shape=(2, 3, 17),
        layout="coco17",
        point="right_shoulder",
        where=(1, 2),
        img_shape=(340, 455),
    ),
    Kind(
        tool="MMAction2",
        file="one dict per pickle, of `ntu_pose_extraction.py`",
        score="`keypoint_score`",
        filename="S001C001P001R001A001.pkl",
        make=lambda: _dump(annotation("S001C001P001R001A001", 0, dtype=np.float32)),
        plain=lambda data: _point(pickle.loads(data), 1, 0, 16),
        clip="S001C001P001R001A001",
        shape=(2, 5, 17),
        layout="coco17",
        point="right_ankle",
        where=(1, 0),
        img_shape=(1080, 1920),
    ),
    Kind(
        tool="MMAction2 0.x",
        file="annotations named by `filename`, protocol 2",
        score="`keypoint_score`",
        filename="val.pkl",
        make=lambda: _dump(_two(key="filename"), 2),
        plain=lambda data: _point(pickle.loads(data)[1], 0, 1, 12),
        clip="S017C003P020R002A060",
        shape=(2, 5, 17),
        layout="coco17",
        point="right_hip",
        where=(0, 1),
        img_shape=(1080, 1920),
        clips=2,
    ),
)
