"""Writes the annotation pickle of PYSKL and MMAction2 in pieces to concatenate: header, annotations, splits.

Opcodes are written directly (protocol 4, described in `Lib/pickletools.py`) for three reasons. The dataset need not be
in memory as a whole. The header memoizes shared values (functions, type, keys) under fixed numbers, so that an
annotation has the same bytes at any position, and shards of different processes can be concatenated. The bytes do not
depend on the version of NumPy: version 2 would write ``numpy._core``, which version 1 does not have, while
``numpy.core.multiarray._reconstruct`` exists in both.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

_PROTO = b"\x80\x04"
_MARK, _STOP, _POP_MARK = b"(", b".", b"1"
_NONE, _FALSE, _TRUE = b"N", b"\x89", b"\x88"
_EMPTY_DICT, _SETITEMS = b"}", b"u"
_EMPTY_LIST, _APPEND, _APPENDS = b"]", b"a", b"e"
_TUPLE, _TUPLE1, _TUPLE2, _TUPLE3 = b"t", b"\x85", b"\x86", b"\x87"
_STACK_GLOBAL, _REDUCE, _BUILD = b"\x93", b"R", b"b"

# Number of names on the reader's stack at once, as in pickle's batches.
_BATCH = 1000

_DTYPES: dict[str, np.dtype[Any]] = {"float16": np.dtype("<f2"), "float32": np.dtype("<f4")}
_KEYS = (
    *("frame_dir", "label", "img_shape", "original_shape", "total_frames", "num_person_raw"),
    *("keypoint", "keypoint_score"),
)
# Fixed numbers in the memo. Each type has its own, so that an array of a type other than the header's cannot be loaded
# as the header's type.
_RECONSTRUCT, _EMPTY, _FIRST_DTYPE = 0, 1, 2
_FIRST_KEY = _FIRST_DTYPE + len(_DTYPES)


def _put(index: int) -> bytes:
    return b"q" + struct.pack("<B", index)


def _get(index: int) -> bytes:
    return b"h" + struct.pack("<B", index)


def _text(text: str) -> bytes:
    raw = text.encode("utf-8", "surrogatepass")
    if len(raw) < 1 << 8:
        return b"\x8c%c%b" % (len(raw), raw)
    return b"X" + struct.pack("<I", len(raw)) + raw


_pack_2, _pack_4, _pack_8 = struct.Struct("<BH").pack, struct.Struct("<Bi").pack, struct.Struct("<BQ").pack


@lru_cache(maxsize=4096)
def _number(value: int) -> bytes:
    if 0 <= value < 1 << 8:
        return b"K%c" % value
    if 0 <= value < 1 << 16:
        return _pack_2(0x4D, value)
    return _pack_4(0x4A, value)


def _bytes_opcode(size: int) -> bytes:
    """The opcode before `size` bytes: BINBYTES or, from 4 GiB on, BINBYTES8."""
    if size < 1 << 32:
        return b"B" + struct.pack("<I", size)
    return _pack_8(0x8E, size)


def _global(module: str, name: str) -> bytes:
    return _text(module) + _text(name) + _STACK_GLOBAL


_OPEN_DICT = _EMPTY_DICT + _MARK
_CLOSE_ANNOTATION = _SETITEMS + _APPEND
_SLOTS = {dtype: _FIRST_DTYPE + i for i, dtype in enumerate(_DTYPES.values())}
_KEY = {key: _get(_FIRST_KEY + i) for i, key in enumerate(_KEYS)}
# An array is pickled as an empty array and its state: version 1, shape, type, not in Fortran order, bytes.
_OPEN_ARRAY = _get(_RECONSTRUCT) + _get(_EMPTY) + _REDUCE + _MARK + _number(1)
_ARRAY_TYPE = {dtype: _get(slot) + _FALSE for dtype, slot in _SLOTS.items()}
_CLOSE_ARRAY = _TUPLE + _BUILD
# The constant bytes between the values of a clip.
_FRAME_DIR = _OPEN_DICT + _KEY["frame_dir"]
_IMG_SHAPE = _KEY["img_shape"]
_ORIGINAL_SHAPE = _TUPLE2 + _KEY["original_shape"]
_TOTAL_FRAMES = _TUPLE2 + _KEY["total_frames"]
_KEYPOINT = _KEY["keypoint"] + _OPEN_ARRAY + _MARK
_KEYPOINT_TYPE = {dtype: _number(2) + _TUPLE + code for dtype, code in _ARRAY_TYPE.items()}
_KEYPOINT_SCORE = _CLOSE_ARRAY + _KEY["keypoint_score"] + _OPEN_ARRAY
_KEYPOINT_SCORE_TYPE = {dtype: _TUPLE3 + code for dtype, code in _ARRAY_TYPE.items()}
_CLOSE = _CLOSE_ARRAY + _CLOSE_ANNOTATION


def encode_header(dtype: str) -> bytes:
    """The bytes before the first annotation, to which all annotations refer.

    Args:
        dtype: type of the arrays in all annotations, ``float16`` or ``float32``.

    Raises:
        ValueError: the dtype is not one of these.
    """
    if dtype not in _DTYPES:
        raise ValueError(f"arrays are float16 or float32, not {dtype}")
    pieces = [
        *(_PROTO, _MARK),
        *(_global("numpy.core.multiarray", "_reconstruct"), _put(_RECONSTRUCT)),
        *(_global("numpy", "ndarray"), _number(0), _TUPLE1, b"C\x01b", _TUPLE3, _put(_EMPTY)),
        *(_dtype(_DTYPES[dtype]), _put(_SLOTS[_DTYPES[dtype]])),
        *(_text(key) + _put(_FIRST_KEY + i) for i, key in enumerate(_KEYS)),
        *(_POP_MARK, _OPEN_DICT, _text("annotations"), _EMPTY_LIST),
    ]
    return b"".join(pieces)


def _dtype(dtype: np.dtype[Any]) -> bytes:
    """`numpy.dtype('f2', False, True)` and its state, as NumPy writes them."""
    state = (_number(3), _text("<"), _NONE, _NONE, _NONE, _number(-1), _number(-1), _number(0))
    call = _global("numpy", "dtype") + _text(dtype.str[1:]) + _FALSE + _TRUE + _TUPLE3 + _REDUCE
    return b"".join((call, _MARK, *state, _TUPLE, _BUILD))


def encode_annotation(
    frame_dir: str,
    label: int,
    img_shape: tuple[int, int],
    keypoint: npt.NDArray[Any],
    keypoint_score: npt.NDArray[Any],
) -> bytes:
    """The bytes of one annotation; any number of annotations can follow the header, in any order.

    Args:
        frame_dir: the clip's name.
        label: class index.
        img_shape: (height, width) of the frame in pixels.
        keypoint: [M, T, V, 2], of the header's dtype; `total_frames` is its T.
        keypoint_score: [M, T, V], of the same dtype.

    Raises:
        ValueError: the arrays have other shapes, or are not little-endian float16 or float32.
    """
    dtype, shape = keypoint.dtype, keypoint_score.shape
    if len(shape) != 3 or keypoint.shape != (*shape, 2):
        raise ValueError(f"keypoint {keypoint.shape} and keypoint_score {shape} are not [M, T, V, 2] and [M, T, V]")
    if dtype not in _SLOTS or keypoint_score.dtype != dtype:
        raise ValueError(f"keypoint {dtype} and keypoint_score {keypoint_score.dtype} are not both float16 or float32")
    persons, frames, points = shape
    height, width = img_shape
    people, length = _number(persons), _number(frames)
    size = people + length + _number(points)
    return b"".join(
        (
            *(_FRAME_DIR, _text(frame_dir)),
            *(_KEY["label"], _number(label)),
            *(_IMG_SHAPE, _number(height), _number(width)),
            *(_ORIGINAL_SHAPE, _number(height), _number(width)),
            *(_TOTAL_FRAMES, length),
            *(_KEY["num_person_raw"], people),
            *(_KEYPOINT, size, _KEYPOINT_TYPE[dtype], _bytes_opcode(keypoint.nbytes), _raw(keypoint)),
            *(_KEYPOINT_SCORE, size, _KEYPOINT_SCORE_TYPE[dtype], _bytes_opcode(keypoint_score.nbytes)),
            *(_raw(keypoint_score), _CLOSE),
        )
    )


def _raw(array: npt.NDArray[Any]) -> memoryview:
    """An array's bytes, which are not copied if it is C-contiguous."""
    return (array if array.flags.c_contiguous else np.ascontiguousarray(array)).data


def encode_splits(splits: Mapping[str, Sequence[str]], provenance: Mapping[str, str] | None = None) -> bytes:
    """The bytes after the last annotation.

    Args:
        splits: the `frame_dir`s of each split, in order.
        provenance: texts under this key of the pickle, which PYSKL and MMAction2 do not look at; None: no such key.
    """
    pieces = [_text("split"), _OPEN_DICT]
    for split, names in splits.items():
        pieces += (_text(split), _EMPTY_LIST)
        for start in range(0, len(names), _BATCH):
            pieces += (_MARK, *map(_text, names[start : start + _BATCH]), _APPENDS)
    pieces.append(_SETITEMS)
    if provenance is not None:
        texts = (_text(key) + _text(value) for key, value in provenance.items())
        pieces += (_text("provenance"), _OPEN_DICT, *texts, _SETITEMS)
    pieces += (_SETITEMS, _STOP)
    return b"".join(pieces)
