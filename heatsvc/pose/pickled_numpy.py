"""Rebuilds NumPy arrays, types and scalars in a pickle without calling NumPy's functions.

A pickle makes an empty array, then sets its state. Here the second step checks type, shape and size, and makes a view
of the bytes, without allocating memory.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

# float, signed, unsigned, boolean, and text of fixed length.
_NUMERIC = re.compile(r"[<>|=]?(?:f[248]|[iu][1248]|b1|\?)")
_TEXT = re.compile(r"[<>|=]?U\d{1,4}")
_OBJECT = ("O", "O8", "|O")
_MAX_AXES = 8


class PickledPartError(ValueError):
    """A pickle has a part that NumPy does not write."""


class PickledDtype:
    """A dtype; its state, which is set later, has the byte order."""

    __slots__ = ("dtype",)

    def __init__(self, code: object = None, *_align_copy: object):
        if not isinstance(code, str) or not (_NUMERIC.fullmatch(code) or _TEXT.fullmatch(code) or code in _OBJECT):
            raise PickledPartError(f"arrays must have numbers, not {code!r:.40}")
        self.dtype: np.dtype[Any] = np.dtype(code)

    def set_state(self, state: object) -> None:
        """Set the state: (version, byte order, and more for structured types)."""
        if not isinstance(state, tuple) or len(state) < 5 or state[1] not in ("<", ">", "|", "="):
            raise PickledPartError("an array's type has a state that NumPy does not write")
        if any(part is not None for part in state[2:5]):
            raise PickledPartError("arrays must have numbers, not structures")
        if state[1] != "|":
            self.dtype = self.dtype.newbyteorder(state[1])


class PickledArray:
    """An array of numbers or text, None until its state is set; or `objects`, the items of an array of objects."""

    __slots__ = ("array", "objects")

    def __init__(self) -> None:
        self.array: npt.NDArray[Any] | None = None
        self.objects: list[Any] | None = None

    def set_state(self, state: object) -> None:
        """Set the state: (version, shape, type, whether in Fortran order, bytes)."""
        if not isinstance(state, tuple) or len(state) != 5:
            raise PickledPartError("an array has a state that NumPy does not write")
        _, shape, dtype, fortran, raw = state
        if isinstance(raw, list) and isinstance(dtype, PickledDtype) and dtype.dtype == object:
            if shape != (len(raw),):
                raise PickledPartError("an array of objects must have one axis, whose length is its number of items")
            self.objects = raw
            return
        self.array = _view(raw, dtype, shape, "F" if fortran is True else "C")


def _view(raw: object, dtype: object, shape: object, order: object) -> npt.NDArray[Any]:
    """Bytes as an array, if their number fits its shape."""
    if not isinstance(dtype, PickledDtype) or dtype.dtype == object:
        raise PickledPartError("arrays must have numbers")
    if isinstance(shape, int):
        shape = (shape,)
    if not isinstance(shape, tuple) or len(shape) > _MAX_AXES:
        raise PickledPartError("an array has a shape that cannot be read")
    if not all(type(side) is int and 0 <= side < 1 << 48 for side in shape):
        raise PickledPartError("an array has an invalid shape")
    if not isinstance(raw, bytes | bytearray):
        raise PickledPartError("an array's data are not bytes: arrays must have numbers, not objects")
    expected = math.prod(shape) * dtype.dtype.itemsize
    if expected != len(raw):
        raise PickledPartError(
            f"an array declares {list(shape)} of {dtype.dtype}, {expected:,} bytes, but has {len(raw):,}"
        )
    if not raw:
        if math.prod(shape):  # of text of length 0, for which NumPy would allocate
            raise PickledPartError("an array of text has no characters")
        return np.zeros(shape, dtype.dtype)
    if dtype.dtype.kind == "U":
        _check_text(raw, dtype)
    return np.frombuffer(raw, dtype.dtype).reshape(shape, order="F" if order == "F" else "C")


def _check_text(raw: bytes | bytearray, dtype: PickledDtype) -> None:
    if np.frombuffer(raw, dtype.dtype.str[0] + "u4").max() > sys.maxunicode:
        raise PickledPartError("a NumPy text has an invalid Unicode character")


def _reconstruct(*_subtype_shape_code: object) -> PickledArray:
    """`numpy.core.multiarray._reconstruct(numpy.ndarray, (0,), b"b")`."""
    return PickledArray()


def _frombuffer(raw: object, dtype: object, shape: object, order: object, *_more: object) -> PickledArray:
    """`numpy.core.numeric._frombuffer`, used by protocol 5."""
    array = PickledArray()
    array.array = _view(raw, dtype, shape, order)
    return array


def _scalar(dtype: object, raw: object) -> object:
    """`numpy.core.multiarray.scalar`, converted to a number or text of Python."""
    if not isinstance(dtype, PickledDtype) or not isinstance(raw, bytes) or len(raw) != dtype.dtype.itemsize or not raw:
        raise PickledPartError("a NumPy number has a state that NumPy does not write")
    if dtype.dtype == object:
        raise PickledPartError("a NumPy number has a state that NumPy does not write")
    if dtype.dtype.kind == "U":
        _check_text(raw, dtype)
    value: object = np.frombuffer(raw, dtype.dtype)[0].item()
    return value


def ndarray(*_: object) -> PickledArray:
    """`numpy.ndarray`: the first argument of `_reconstruct`, never called."""
    raise PickledPartError("numpy.ndarray is not called in a pickle that NumPy writes")


# NumPy 2 renamed its core; pickles of either version are read.
_CORES = ("numpy.core", "numpy._core")
CALLABLES: dict[tuple[str, str], Callable[..., object]] = {
    ("numpy", "dtype"): PickledDtype,
    ("numpy", "ndarray"): ndarray,
    **{(f"{core}.multiarray", "_reconstruct"): _reconstruct for core in _CORES},
    **{(f"{core}.multiarray", "scalar"): _scalar for core in _CORES},
    **{(f"{core}.numeric", "_frombuffer"): _frombuffer for core in _CORES},
}
