"""Reads `.npy`: one array of numbers (NumPy format 1.0 to 3.0, NEP 1). Pickled objects are never read."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from heatsvc.pose.clip import PoseClip
from heatsvc.pose.errors import CutShortError, NoKeypointsError, PoseError
from heatsvc.pose.readers.upload import DEFAULT_OPTIONS, ReadOptions, Upload

MAGIC = b"\x93NUMPY"

# As NumPy's own limit; a header of an array of numbers has about a hundred bytes.
_MAX_HEADER_BYTES = 10_000
_MAX_AXES = 8
_ENTRY = re.compile(r"""\s*['"](descr|fortran_order|shape)['"]\s*:\s*('[^']*'|"[^"]*"|True|False|\([\d\sL,]*\))\s*,?""")
_DESCR = re.compile(r"[<>|=]?(?:[fiu][1248]|b1|[SU]\d{1,9})")
# The end of `np.save(None)` in any protocol: the list [None] is the state of an object array.
_PICKLED_NONE = re.compile(rb"\](?:\x94|q.)?Nat(?:\x94|q.)?b\.\Z", re.DOTALL)


def is_npy(upload: Upload) -> bool:
    """Whether the content begins like a `.npy` file."""
    return upload.data.startswith(MAGIC)


def read_npy(data: bytes, *, filename: str = "", options: ReadOptions = DEFAULT_OPTIONS) -> PoseClip:
    """Read one array [V, C], [T, V, C] or [M, T, V, C], C = 2 or 3, or [T, 1662], as a clip named after its file.

    Raises:
        NoKeypointsError: an axis is empty, or the file is a pickled None.
        PoseError: damaged, not numbers, other axes, or no img_shape in the options.
        LimitError: more persons, frames or keypoints than the bounds allow.
    """
    upload = Upload(data, filename, options)
    return upload.build_clip(array_from_npy(data, field="keypoint", file=upload.file), are_axes_known=False)


def array_from_npy(data: bytes, *, field: str, file: str | None, text: bool = False) -> npt.NDArray[Any]:
    """The file's array as a view of `data`.

    Args:
        text: whether strings are allowed too.

    Raises:
        NoKeypointsError: no numbers in it, or a pickled None.
        PoseError: the header cannot be read, declares more or fewer bytes than follow, or a type other than numbers.
    """
    try:
        start = _data_start(data)
        header = _parse(data[:start])
    except _HeaderError as error:
        if error.objects and _PICKLED_NONE.search(data[-64:]):
            raise NoKeypointsError(f"{field} is a pickled None: no keypoints", field=field, file=file) from None
        raise PoseError(f"{field}: {error}", field=field, file=file) from None
    if header.dtype.kind in "SU" and not text:
        raise PoseError(f"{field} must be numbers, not text ({header.dtype})", field=field, file=file)
    if header.count == 0:
        raise NoKeypointsError(f"{field} is empty, {list(header.shape)}", field=field, file=file)
    follow = len(data) - start
    if follow != header.count * header.dtype.itemsize:
        short = follow < header.count * header.dtype.itemsize
        fault = "the file is truncated" if short else "remove the extra bytes"
        raise (CutShortError if short else PoseError)(
            f"{field}: the header declares {list(header.shape)} of {header.dtype}, "
            f"{header.count * header.dtype.itemsize:,} bytes, but {follow:,} follow: {fault}",
            field=field,
            file=file,
        )
    array = np.frombuffer(data, header.dtype, offset=start)
    return array.reshape(header.shape, order="F" if header.fortran_order else "C")


@dataclass(frozen=True, slots=True)
class _Header:
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran_order: bool
    count: int


class _HeaderError(Exception):
    """What is wrong with a header; `objects` where the array has pickled ones."""

    def __init__(self, text: str, *, objects: bool = False):
        super().__init__(text)
        self.objects = objects


def _data_start(data: bytes) -> int:
    """Where the header ends: magic, version, its length (2 bytes, from version 2 on 4), the header."""
    if data[:6] != MAGIC or len(data) < 10:
        raise _HeaderError("the file is not a .npy file, which begins with \\x93NUMPY, a version and a header")
    major = data[6]
    if major == 1:
        start = 10 + int.from_bytes(data[8:10], "little")
    elif major in (2, 3):
        start = 12 + int.from_bytes(data[8:12], "little")
    else:
        raise _HeaderError(f"version {major} of the .npy format is not supported: it must be 1, 2 or 3")
    if start > len(data):
        raise _HeaderError("the file is truncated within its header")
    if start > _MAX_HEADER_BYTES:
        raise _HeaderError(f"the header has {start:,} bytes: {_MAX_HEADER_BYTES:,} at most")
    return start


@lru_cache(maxsize=256)
def _parse(head: bytes) -> _Header:
    """The parsed header, cached: clips of one length have the same.

    Not by `ast.literal_eval`: a malicious header can nest deep enough to exhaust the parser's stack.
    """
    text = head[10 if head[6] == 1 else 12 :].decode("latin-1").strip()
    entries: dict[str, str] = {}
    position, end = 1, len(text) - 1
    if text[:1] == "{" and text[-1:] == "}":
        while position < end and (entry := _ENTRY.match(text, position, end)):
            entries[entry[1]] = entry[2].strip("'\"")
            position = entry.end()
    if "|O" in entries.get("descr", "") or "'|O" in text:
        raise _HeaderError(
            "the array has pickled Python objects, which are never read: save numbers, such as float32", objects=True
        )
    if text[position:end].strip() or len(entries) != 3 or entries["shape"][:1] != "(":
        raise _HeaderError("the header cannot be read: it must have descr, fortran_order and shape of numbers")
    if not _DESCR.fullmatch(entries["descr"]):
        raise _HeaderError(f"the array has the type {entries['descr']!r:.40}: it must be numeric, such as float32")
    sides = [side.strip().rstrip("L") for side in entries["shape"][1:-1].split(",") if side.strip()]
    if len(sides) > _MAX_AXES:
        raise _HeaderError(f"the array has {len(sides)} axes: at most 4, [M, T, V, 2|3]")
    if not all(side.isdecimal() and len(side) <= 18 for side in sides):
        raise _HeaderError(f"the shape {entries['shape']:.60} cannot be read")
    try:
        dtype = np.dtype(entries["descr"])
    except (TypeError, ValueError):
        raise _HeaderError(f"the type {entries['descr']!r:.40} is not a NumPy type") from None
    shape = tuple(map(int, sides))
    return _Header(dtype, shape, entries["fortran_order"] == "True", math.prod(shape) if dtype.itemsize else 0)
