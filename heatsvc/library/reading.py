"""read: files of keypoints as clips."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.pose import PoseClip
from heatsvc.pose.readers import ReadOptions
from heatsvc.pose.readers import read as read_bytes


def read(
    source: str | os.PathLike[str] | bytes,
    *,
    img_shape: Sequence[int] | None = None,
    layout: str | None = None,
    frame_dir: str | Sequence[str] | None = None,
    bounds: Bounds = DEFAULT_BOUNDS,
) -> list[PoseClip]:
    """The clips of a file of any format that `POST /heatmap` takes; its content tells which.

    Args:
        source: a path, or the file's bytes.
        img_shape: (height, width) in pixels, for files that carry none (`.npy`, OpenPose, MMPose).
        layout: what the points are, by name, where their number does not tell.
        frame_dir: which clips of an annotation pickle, in this order; None for all.
        bounds: how large a file may be; `dataclasses.replace(heatsvc.bounds.DEFAULT_BOUNDS, max_clips=...)` for
            larger ones.

    Returns:
        One clip or more, each float32 [M, T, V, 2] with scores [M, T, V].

    Raises:
        OSError: the file cannot be opened.
        InputError: it cannot be read as keypoints, or is larger than `bounds`; tells file, field and frame.
    """
    data, filename = (bytes(source), "") if isinstance(source, bytes | bytearray | memoryview) else _open(source)
    frame_dirs = [frame_dir] if isinstance(frame_dir, str) else frame_dir
    options = ReadOptions(img_shape=img_shape, layout=layout, frame_dirs=frame_dirs, bounds=bounds)
    return read_bytes(data, filename=filename, options=options)


def _open(source: str | os.PathLike[str]) -> tuple[bytes, str]:
    path = Path(source)
    return path.read_bytes(), path.name
