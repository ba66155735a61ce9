"""Reads `.npz`: a clip as named arrays in a zip archive of `.npy` files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from heatsvc.pose.archives.zip import unpack
from heatsvc.pose.clip import PoseClip, check_frame_dir, check_label
from heatsvc.pose.compressed import select_rows
from heatsvc.pose.errors import PoseError
from heatsvc.pose.readers.npy import array_from_npy
from heatsvc.pose.readers.upload import Upload

_ARRAYS = (
    *("keypoint", "keypoint_score", "img_shape", "layout", "frame_dir", "label", "total_frames"),
    *("frame_inds", "anno_inds"),
)
KEYPOINT = "keypoint.npy"
"""The member that makes an archive one clip."""

# What else PYSKL's annotations and the service's own responses have.
_NO_KEYPOINTS = ("imgs", "original_shape", "num_person_raw")
_MAX_NAMED = 8


def is_npz(upload: Upload) -> bool:
    """Whether the content is a zip archive with an array `keypoint`, or of arrays only, named `.npz` or unnamed."""
    if not upload.is_zip:
        return False
    names = upload.member_names
    return KEYPOINT in names or (_may_be_npz(upload.filename) and all(name.endswith(".npy") for name in names))


def is_one_clip(names: Sequence[str], filename: str) -> bool:
    """Whether a zip archive of members of these names is one clip: with an array `keypoint`, or an `.npz` of one array.

    An `.npz` of several arrays may be several videos.
    """
    return KEYPOINT in names or (_may_be_npz(filename) and len(_others(names)) == 1)


def _may_be_npz(filename: str) -> bool:
    return not filename or filename.lower().endswith(".npz")


def read_npz(upload: Upload) -> list[PoseClip]:
    """Read one clip: `keypoint`, and optionally the other arrays of `_ARRAYS`; others (`imgs`) are ignored.

    Without `keypoint`, one array of any other name is it.

    Raises:
        PoseError: no keypoint, an array that is damaged or of the wrong type or shape, or no img_shape anywhere.
        LimitError: the archive unpacks to more than the bounds allow.
    """
    file, options = upload.file, upload.options
    others = _others(upload.member_names)
    if not is_one_clip(upload.member_names, ""):
        there = f": it has {', '.join(others[:_MAX_NAMED])}; rename the array of points to keypoint" if others else ""
        raise upload.error(f"the .npz file has no array keypoint{there}", "keypoint")
    keypoint = "keypoint" if KEYPOINT in upload.member_names else others[0]
    arrays: dict[str, npt.NDArray[Any]] = {}
    for filename, data in unpack(upload.data, bounds=options.bounds, file=file, token=options.token):
        name = filename.removesuffix(".npy")
        if name == keypoint:
            arrays["keypoint"] = array_from_npy(data, field=name[:80], file=file)
        elif name in _ARRAYS:
            arrays[name] = array_from_npy(data, field=name, file=file, text=name in ("layout", "frame_dir"))
    layout = options.layout or _single(arrays, "layout", file)
    frame_dir = _single(arrays, "frame_dir", file)
    shape = arrays.get("img_shape")
    if shape is not None and shape.shape != (2,):
        text = f"img_shape must be two whole numbers, [height, width], not {list(shape.shape)}"
        raise upload.error(text, "img_shape")
    points, frame_inds = select_rows(arrays, arrays["keypoint"], file=file)
    return [
        PoseClip.build(
            points,
            arrays.get("keypoint_score"),
            img_shape=options.img_shape if shape is None else shape.tolist(),
            layout=str(layout) if layout else None,
            frame_dir=check_frame_dir(frame_dir, field="frame_dir", file=file) if frame_dir else upload.frame_dir,
            label=check_label(_single(arrays, "label", file), field="label", file=file),
            bounds=options.bounds,
            file=file,
            interpretation=options.interpretation,
            total_frames=_single(arrays, "total_frames", file),
            frame_inds=frame_inds,
        )
    ]


def _others(names: Sequence[str]) -> list[str]:
    """Names of the arrays of which one may be the keypoints, if none is called so."""
    arrays = (name.removesuffix(".npy") for name in names if name.endswith(".npy"))
    return [name for name in arrays if name not in _ARRAYS + _NO_KEYPOINTS]


def _single(arrays: dict[str, npt.NDArray[Any]], name: str, file: str | None) -> object:
    """The value of an array of size 1, as a number or text of Python; None if the array does not exist."""
    array = arrays.get(name)
    if array is None:
        return None
    if array.size != 1:
        raise PoseError(f"{name} must be one value, not {list(array.shape)}", field=name, file=file)
    try:
        value = array.reshape(()).astype(array.dtype.newbyteorder("=")).item()
    except (ValueError, UnicodeError):
        raise PoseError(f"{name} is not text that can be read", field=name, file=file) from None
    return value.decode("latin-1") if isinstance(value, bytes) else value
