"""`.h5`: DeepLabCut's tables and SLEAP's analysis files, read by h5py in a child process."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np

from heatsvc.pose import native
from heatsvc.pose.clip import PoseClip
from heatsvc.pose.errors import PoseError
from heatsvc.pose.readers.deeplabcut import clip_of_columns
from heatsvc.pose.readers.in_child import run_reader
from heatsvc.pose.readers.named_points import clip_of_points
from heatsvc.pose.readers.upload import Upload

_MAGIC = b"\x89HDF\r\n\x1a\n"


def is_hdf5(upload: Upload) -> bool:
    """Whether the content begins with HDF5's signature."""
    return upload.data.startswith(_MAGIC)


def read_hdf5(upload: Upload) -> list[PoseClip]:
    """Read one clip: a table of DeepLabCut (`deeplabcut.clip_of_columns`), or the tracks of a SLEAP analysis file.

    Tracks are persons, nodes the points, edges the limbs, `point_scores` the scores.

    Raises:
        PoseError: damaged, neither of the two, links to other files, or h5py is not installed.
        NoKeypointsError: no frames or no persons.
        LimitError: more persons, frames, keypoints or bytes than the bounds allow.
    """
    if find_spec("h5py") is None:
        raise PoseError("reading HDF5 files needs h5py: pip install 'heatsvc[hdf5]'", file=upload.file)
    found = run_reader(native.read_hdf5, upload, "the HDF5 file")
    if found[0] == native.TABLE:
        _, columns, frames, values = found
        table = np.frombuffer(values, np.float32).reshape(frames, len(columns))
        return [clip_of_columns(upload, columns, table)]
    _, names, limbs, shape, xy, scores = found
    keypoint = np.frombuffer(xy, np.float32).reshape(*shape, 2).copy()
    score = np.frombuffer(scores, np.float32).reshape(shape).copy()
    return [clip_of_points(upload, names, _pairs(limbs), keypoint, score)]


def _pairs(limbs: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    return [(a, b) for a, b in limbs]
