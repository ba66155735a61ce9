"""Code that runs in child processes, because it calls native libraries on untrusted files.

These functions import their library when they are called, so that only the child process loads it.
"""

from __future__ import annotations

from typing import Any

from heatsvc.bounds import Bounds

TABLE, TRACKS = "table", "tracks"
"""Kinds of HDF5 files: a table of DeepLabCut, or tracks of SLEAP."""


def read_hdf5(data: bytes, bounds: Bounds, file: str | None) -> tuple[Any, ...]:
    """The numbers of an HDF5 file of DeepLabCut or SLEAP, as plain values.

    Args:
        data: the file.
        bounds: limits of its content.
        file: its name, for messages.

    Returns:
        `TABLE`, the columns (each a list of texts), T, and float32 [T, columns] as bytes; or `TRACKS`, names of points,
        limbs (pairs of indices), [M, T, V], and float32 [M, T, V, 2] and [M, T, V] as bytes, NaN where not detected.

    Raises:
        PoseError: neither of the two, or links to other files. A damaged file may raise anything.
        NoKeypointsError: no frames or no persons.
        LimitError: more persons, frames, keypoints or bytes than the bounds allow.
    """
    from heatsvc.pose.native.hdf5 import HDF5Reader

    return HDF5Reader(bounds, file).read(data)


def read_parquet(data: bytes, bounds: Bounds, file: str | None) -> tuple[Any, ...]:
    """The landmarks of a Parquet file in the form of Google's ISLR, as plain values.

    Args:
        data, bounds, file: as of `read_hdf5`.

    Returns:
        The points (type and index of each, in the order in which the file first has them), T, and float32 [T, V, 2] as
        bytes, NaN where a row or its x or y is missing.

    Raises:
        PoseError: other columns, or a landmark twice in a frame. A damaged file may raise anything.
        NoKeypointsError: no rows.
        LimitError: more frames, landmarks or rows than the bounds allow.
    """
    from heatsvc.pose.native.parquet import read_landmarks

    return read_landmarks(data, bounds, file)
