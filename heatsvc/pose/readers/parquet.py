"""`.parquet`: MediaPipe Holistic's landmarks, a row for each, as in Google's ISLR; read by arro3 in a child process.

https://www.kaggle.com/competitions/asl-signs/data
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec

import numpy as np

from heatsvc.pose import native
from heatsvc.pose.clip import PoseClip
from heatsvc.pose.errors import PoseError
from heatsvc.pose.layouts import layout_of_names, layout_with_points
from heatsvc.pose.layouts.layout import hand
from heatsvc.pose.layouts.mediapipe import POSE_33
from heatsvc.pose.readers.in_child import run_reader
from heatsvc.pose.readers.upload import Upload

_MAGIC = b"PAR1"
# The names of a type's landmarks in the layouts of Holistic.
_POINTS: dict[str, Callable[[int], str | None]] = {
    "face": lambda i: f"face_mesh_{i}",
    "pose": lambda i: POSE_33[i] if i < len(POSE_33) else None,
    "left_hand": lambda i: hand("left")[i] if i < len(hand("left")) else None,
    "right_hand": lambda i: hand("right")[i] if i < len(hand("right")) else None,
}


def is_parquet(upload: Upload) -> bool:
    """Whether the content begins with Parquet's signature."""
    return upload.data.startswith(_MAGIC)


def read_parquet(upload: Upload) -> list[PoseClip]:
    """Read one clip: frames in the order of their numbers; points by type and index, not by the order of rows.

    Rows in Google's order are `islr543`. x and y are always normalized, regardless of the options; z is dropped. A
    landmark without x or y is not detected, and others have score 1.

    Raises:
        PoseError: damaged, other columns, a landmark twice in a frame, or arro3 is not installed.
        NoKeypointsError: no rows.
        LimitError: more frames, landmarks or rows than the bounds allow.
    """
    if find_spec("arro3") is None:
        raise PoseError("reading Parquet files needs arro3: pip install 'heatsvc[parquet]'", file=upload.file)
    points, frames, xy = run_reader(native.read_parquet, upload, "the Parquet file")
    names = [_name(kind, index) for kind, index in points]
    keypoint = np.frombuffer(xy, np.float32).reshape(1, frames, len(names), 2).copy()
    missing = np.isnan(keypoint).any(axis=-1)
    keypoint[missing] = 0
    score = np.asarray(~missing, np.float32)
    layout = layout_of_names(tuple(names))
    known = layout_with_points(names)
    if layout.name == "custom" and known is not None:
        order = [names.index(point) for point in known.points]
        keypoint, score, layout = keypoint[:, :, order], score[:, :, order], known
    options = upload.options
    normalized = replace(options, interpretation=replace(options.interpretation, coordinates="normalized"))
    return [replace(upload, options=normalized).build_clip(keypoint, score, layout=layout)]


def _name(kind: str, index: int) -> str:
    known = _POINTS[kind](index) if kind in _POINTS else None
    return known or f"{kind}_{index}"
