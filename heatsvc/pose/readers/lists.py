"""JSON's nested lists as arrays: at the speed of `struct.pack` where they are sound, told by index where not.

NumPy's own conversion takes three times as long and reads the text "1.5" as a number; `struct.pack` refuses all but
numbers. Booleans alone pass it, so they are looked for where the caller cannot rule them out.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import chain
from math import nan
from typing import Any

import numpy as np
import numpy.typing as npt

from heatsvc.bounds import Bounds
from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.pose.clip import Float32, PoseError
from heatsvc.pose.readers.list_faults import find_fault

_MOST_AXES = 4
_WIDEST_POINT = 4
# So many rows, or numbers of a longer row, become an array at once: a few milliseconds.
_ROWS = 1 << 15


class _UnsoundError(Exception):
    """These lists cannot be an array; what is wrong with them is found out elsewhere."""


def may_hold_booleans(data: bytes) -> bool:
    """Whether JSON text can hold a boolean at all."""
    return _holds(data, b"true") or _holds(data, b"false")


def _holds(data: bytes, word: bytes) -> bool:
    """`word in data`, ten times as fast on text that is all but numbers: one letter is found at memory speed."""
    at = -1
    for _ in range(64):
        at = data.find(word[:1], at + 1)
        if at < 0:
            return False
        if data.startswith(word, at):
            return True
    return data.find(word, at) >= 0


def array_from_lists(
    value: object,
    name: str,
    *,
    bounds: Bounds,
    booleans: bool,
    file: str | None = None,
    frame: int | None = None,
    token: CancelToken = NEVER_CANCELLED,
) -> Float32:
    """Nested lists of numbers as an array of as many axes, one to four; `null` becomes NaN.

    Args:
        value: what the JSON holds there.
        name: its field, for the message.
        bounds: max_input_values, held before anything of that size is made.
        booleans: whether the JSON may hold booleans (`may_hold_booleans`).
        token: asked now and then in long lists.

    Raises:
        PoseError: not lists, ragged, empty, nested too deep, or holding something other than a number; told by index.
        LimitError: more values than `bounds` allow.
    """
    try:
        shape, rows = _flatten(value, bounds, name, file)
        array = np.empty((len(rows), shape[-1]), np.float32)
    except (_UnsoundError, TypeError, IndexError):
        raise _fault(value, name, file, frame, token) from None
    step = max(1, _ROWS // max(1, shape[-1] // _WIDEST_POINT))
    for first in range(0, len(rows), step):
        token.raise_if_cancelled()
        try:
            _fill(array[first : first + step], rows[first : first + step], booleans)
        except (_UnsoundError, TypeError, struct.error, OverflowError):
            raise _fault(value, name, file, frame, token) from None
    return array.reshape(shape)


def _fault(value: object, name: str, file: str | None, frame: int | None, token: CancelToken) -> PoseError:
    fault = find_fault(value, name, _MOST_AXES, token)
    return PoseError(fault.text, field=name, file=file, frame=frame if fault.frame is None else fault.frame)


def _flatten(value: object, bounds: Bounds, name: str, file: str | None) -> tuple[list[int], list[Any]]:
    """The array's shape, and its innermost lists in a row; that these are of one length is not yet known."""
    if type(value) is not list:
        raise _UnsoundError
    shape, rows = [len(value)], value
    while type(rows[0]) is list:
        width = len(rows[0])
        shape.append(width)
        if len(shape) > _MOST_AXES or width == 0:
            raise _UnsoundError
        bounds.check("max_input_values", len(rows) * width, "numbers", field=name, file=file)
        if type(rows[0][0]) is not list:
            return shape, rows
        if set(map(len, rows)) != {width} or set(map(type, rows)) != {list}:
            raise _UnsoundError
        rows = list(chain.from_iterable(rows))
    bounds.check("max_input_values", len(rows), "numbers", field=name, file=file)
    return shape, [rows]


def _fill(array: Float32, rows: list[Any], booleans: bool) -> None:
    """Rows of numbers into an array of as many rows."""
    width = array.shape[1]
    with np.errstate(over="ignore"):  # PoseClip.build tells of infinities, by index
        if width > _WIDEST_POINT:
            if set(map(len, rows)) != {width}:
                raise _UnsoundError
            array[:] = _pack(list(chain.from_iterable(rows)), booleans).reshape(array.shape)
            return
        # Points are short: a column at a time is faster than a flat walk, and `strict` finds ragged ones on the way.
        try:
            columns = list(zip(*rows, strict=True))
        except ValueError:
            raise _UnsoundError from None
        if len(columns) != width:
            raise _UnsoundError
        for i, column in enumerate(columns):
            array[:, i] = _pack(column, booleans)


def _pack(numbers: Sequence[Any], booleans: bool) -> npt.NDArray[np.float64]:
    if booleans and bool in set(map(type, numbers)):
        raise _UnsoundError
    layout = f"{len(numbers)}d"
    try:
        packed = struct.pack(layout, *numbers)
    except struct.error:
        packed = struct.pack(layout, *[nan if number is None else number for number in numbers])
    return np.frombuffer(packed)
