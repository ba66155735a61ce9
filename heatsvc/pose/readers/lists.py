"""Nested lists of JSON as arrays, by `struct.pack`; errors name the index of the value.

NumPy's own conversion takes three times as long and converts the text "1.5" to a number; `struct.pack` refuses all but
numbers and booleans, which are searched for unless the caller rules them out.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from math import nan
from typing import Any

import numpy as np
import numpy.typing as npt

from heatsvc.bounds import Bounds
from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.pose.clip import Float32
from heatsvc.pose.errors import PoseError

_MAX_AXES = 4
# A parser stops at the first letter, or at one of those around it.
_NO_NUMBER = re.compile(r".?-?(NaN|[Ii]nf|nan)", re.DOTALL)
_AXES = {
    1: ("numbers",),
    2: ("points", "numbers"),
    3: ("frames", "points", "numbers"),
    4: ("persons", "frames", "points", "numbers"),
}
_MAX_POINT_WIDTH = 4
# The token is checked after this number of rows, or of numbers if rows are longer: every few milliseconds.
_ROWS_PER_CHECK = 1 << 15
_ITEMS_PER_CHECK = 4096


class _IrregularError(Exception):
    """These lists are not an array; `_find_fault` says why."""


def broken_json(error: json.JSONDecodeError) -> str:
    """The message about invalid JSON; for NaN and Infinity, which Python writes, with what to write instead.

    Args:
        error: the parser's error, with the text and the position.
    """
    start = max(0, error.pos - 1)
    if _NO_NUMBER.match(error.doc[start : start + 12]):
        return "the JSON is invalid: it has NaN or Infinity, which JSON does not allow; write null for 'not detected'"
    return f"the JSON is invalid: {error}"


def may_hold_booleans(data: bytes) -> bool:
    """Whether JSON text can hold a boolean at all."""
    return _holds(data, b"true") or _holds(data, b"false")


def _holds(data: bytes, word: bytes) -> bool:
    """`word in data`, ten times as fast on text that is mostly numbers: one letter is found at memory speed."""
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
        value: the parsed JSON.
        name: the field, for messages.
        bounds: max_input_values, checked before anything of that size is allocated.
        booleans: whether the JSON may hold booleans (`may_hold_booleans`).
        token: checked regularly in long lists.

    Raises:
        PoseError: not lists, ragged, empty, nested too deep, or not only numbers; the message has the index.
        LimitError: more values than `bounds` allow.
    """
    try:
        shape, rows = _flatten(value, bounds, name, file)
        array = np.empty((len(rows), shape[-1]), np.float32)
    except (_IrregularError, TypeError, IndexError):
        raise _fault_error(value, name, file, frame, token) from None
    step = max(1, _ROWS_PER_CHECK // max(1, shape[-1] // _MAX_POINT_WIDTH))
    for first in range(0, len(rows), step):
        token.raise_if_cancelled()
        try:
            _fill(array[first : first + step], rows[first : first + step], booleans)
        except (_IrregularError, TypeError, struct.error, OverflowError):
            raise _fault_error(value, name, file, frame, token) from None
    return array.reshape(shape)


def _fault_error(value: object, name: str, file: str | None, frame: int | None, token: CancelToken) -> PoseError:
    fault = _find_fault(value, name, token)
    return PoseError(fault.text, field=name, file=file, frame=frame if fault.frame is None else fault.frame)


def _flatten(value: object, bounds: Bounds, name: str, file: str | None) -> tuple[list[int], list[Any]]:
    """The array's shape, and all its innermost lists, whose lengths are not checked yet."""
    if type(value) is not list:
        raise _IrregularError
    shape, rows = [len(value)], value
    while type(rows[0]) is list:
        width = len(rows[0])
        shape.append(width)
        if len(shape) > _MAX_AXES or width == 0:
            raise _IrregularError
        bounds.check("max_input_values", len(rows) * width, "numbers", field=name, file=file)
        if type(rows[0][0]) is not list:
            return shape, rows
        if set(map(len, rows)) != {width} or set(map(type, rows)) != {list}:
            raise _IrregularError
        rows = list(chain.from_iterable(rows))
    bounds.check("max_input_values", len(rows), "numbers", field=name, file=file)
    return shape, [rows]


def _fill(array: Float32, rows: list[Any], booleans: bool) -> None:
    width = array.shape[1]
    with np.errstate(over="ignore"):  # PoseClip.build refuses infinities, by index
        if width > _MAX_POINT_WIDTH:
            if set(map(len, rows)) != {width}:
                raise _IrregularError
            array[:] = _pack(list(chain.from_iterable(rows)), booleans).reshape(array.shape)
            return
        # Points are short: converting by columns is faster, and `strict` finds ragged ones.
        try:
            columns = list(zip(*rows, strict=True))
        except ValueError:
            raise _IrregularError from None
        if len(columns) != width:
            raise _IrregularError
        for i, column in enumerate(columns):
            array[:, i] = _pack(column, booleans)


def _pack(numbers: Sequence[Any], booleans: bool) -> npt.NDArray[np.float64]:
    if booleans and bool in set(map(type, numbers)):
        raise _IrregularError
    layout = f"{len(numbers)}d"
    try:
        packed = struct.pack(layout, *numbers)
    except struct.error:
        packed = struct.pack(layout, *[nan if number is None else number for number in numbers])
    return np.frombuffer(packed)


@dataclass(frozen=True, slots=True)
class _Fault:
    """What is wrong, and the index of its frame, if any."""

    text: str
    frame: int | None = None


def _find_fault(value: object, name: str, token: CancelToken) -> _Fault:
    """The first thing that keeps `value` from being an array: a slow search, after the conversion has failed."""
    if not isinstance(value, list):
        return _Fault(f"{name} is {_kind(value)}: it must be lists of numbers")
    shape = _shape(value)
    if len(shape) > _MAX_AXES:
        return _Fault(f"{name} is nested deeper than {_MAX_AXES} lists: it must be lists of numbers, [M, T, V, 2|3]")
    return _walk(value, (), name, shape, token) or _Fault(f"{name} must be lists of numbers")


def _walk(item: object, where: tuple[int, ...], name: str, shape: list[int], token: CancelToken) -> _Fault | None:
    """The first fault at or below the index `where`."""
    if len(where) == len(shape):
        return _fault_of_number(item, where, name)
    fault = _fault_of_list(item, where, name, shape)
    if fault or not isinstance(item, list):
        return fault
    for i, child in enumerate(item):
        if i % _ITEMS_PER_CHECK == 0:
            token.raise_if_cancelled()
        fault = _walk(child, (*where, i), name, shape, token)
        if fault:
            return fault
    return None


def _fault_of_number(item: object, where: tuple[int, ...], name: str) -> _Fault | None:
    if isinstance(item, bool) or not isinstance(item, int | float | None):
        here, frame = _path(name, where), _frame(where, len(where))
        return _Fault(f"{here} is {_kind(item)}: it must be a number, or null for 'not detected'", frame)
    if isinstance(item, int) and abs(item) >= 1 << 128:
        return _Fault(f"{_path(name, where)} is a number too large for float32", _frame(where, len(where)))
    return None


def _fault_of_list(item: object, where: tuple[int, ...], name: str, shape: list[int]) -> _Fault | None:
    unit, width = _AXES[len(shape)][len(where)], shape[len(where)]
    if isinstance(item, list) and item and len(item) == width:
        return None
    here, frame = _path(name, where), _frame(where, len(shape))
    if not isinstance(item, list):
        return _Fault(f"{here} is {_kind(item)}: it must be a list of {width} {unit}", frame)
    if not item and not where:
        return _Fault(f"{name} is empty: it must be lists of numbers")
    if not item:
        return _Fault(f"{here} is empty: it must be a list of {unit}", frame)
    first = _path(name, (0,) * len(where))
    return _Fault(f"{here} has {len(item)} {unit}, but {first} has {width}: all must have the same number", frame)


def _shape(value: object) -> list[int]:
    """Lengths along the first items; the others must be nested as deep."""
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        value = value[0] if value else None
    return shape


def _frame(where: tuple[int, ...], axes: int) -> int | None:
    """The frame of an index, where the lists have an axis of frames."""
    axis = axes - 3
    return where[axis] if 0 <= axis < len(where) else None


def _path(name: str, where: tuple[int, ...]) -> str:
    """``keypoint[0][3][5]``."""
    return name + "".join(f"[{i}]" for i in where)


def _kind(value: object) -> str:
    """A JSON value for messages: ``"12"``, ``true``, ``null``, ``an object``, ``a list``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"' if len(value) <= 20 else f'"{value[:17]}..."'
    if value is None:
        return "null"
    if isinstance(value, int | float):
        return "a number"
    return "an object" if isinstance(value, dict) else "a list"
