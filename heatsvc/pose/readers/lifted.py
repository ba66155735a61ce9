"""Lifted: JSON text whose lists of keypoints became arrays before anything made Python's lists of them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any

import numpy as np

from heatsvc.pose.clip import Float32

# What stands in the place of a list begins with this: nobody who writes JSON to this process can know it.
_MARK = secrets.token_hex(12)
_MARK_BYTES = np.frombuffer(_MARK.encode(), np.uint8)
_SPACE = b" \t\n\r"  # RFC 8259, section 2
# A key, a colon and a string that stands for a list have more bytes.
_SHORTEST_ENTRY = 40
_KEYS = ("keypoint", "keypoint_score")


@dataclass(frozen=True, slots=True)
class Lifted:
    """JSON text with short strings where sound lists of numbers were, and the arrays that belong there.

    Where it is no JSON, the text that it was made of is none either, and the other way round. A list that is in any way
    out of the ordinary is still in the text.

    Attributes:
        text: to be parsed.
        arrays: by the strings, those that have not been put back.
        is_finite: whether all their numbers are for certain.
    """

    text: bytes
    arrays: dict[str, Float32]
    is_finite: bool

    def put_back(self, clip: dict[str, Any]) -> bool:
        """Put a parsed clip's arrays where their strings are; tells whether all its numbers are finite for certain."""
        is_finite = self.is_finite
        for key in _KEYS:
            value = clip.get(key)
            if type(value) is str and value in self.arrays:
                clip[key] = self.arrays.pop(value)
            elif value is not None:
                is_finite = False
        return is_finite


def lift(data: bytes, most: int, lists: int) -> Lifted | None:
    """Take the lists under `keypoint` and `keypoint_score` out of JSON text, wherever these keys stand.

    One pass of compiled code; memory for less than four times the text, of which little is touched.

    Args:
        data: the text, which need not be JSON; of anything but an object nothing is lifted.
        most: lists of more numbers are left where they are.
        lists: of more lists than that, the further ones are left. Each becomes a few Python objects at once, ten times
            its text where it is short, and nothing can end that in between.

    Returns:
        arrays float32 of one to four axes, each number as a parser's double rounded to float32, `null` as NaN; None
        where no list could be lifted.
    """
    data = data.rstrip(_SPACE)
    size = len(data)
    if size < _SHORTEST_ENTRY:
        return None
    values = np.empty(size // 2 + 1, np.float32)
    shapes = np.empty((min(lists, size // _SHORTEST_ENTRY), 5), np.int32)
    rest = np.empty(size, np.uint8)
    found, length, nulls = loops().lift(
        np.frombuffer(data, np.uint8), _MARK_BYTES, min(most, size), rest, values, shapes
    )
    if found <= 0:
        return None
    arrays: dict[str, Float32] = {}
    first = 0
    for number, (levels, *lengths) in enumerate(shapes[:found].tolist()):
        shape = lengths[:levels]
        arrays[f"{_MARK}{number:08}"] = np.ndarray(shape, np.float32, values, first)
        first += prod(shape) * values.itemsize
    return Lifted(rest[:length].tobytes(), arrays, nulls == 0)


@cache
def loops() -> Any:
    """The compiled loop. The first call compiles it, or loads it from numba's cache."""
    from heatsvc.pose.readers import number_loops as compiled

    return compiled
