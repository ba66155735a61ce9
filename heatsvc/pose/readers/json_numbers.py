"""JSON number arrays: the keypoints in JSON text as arrays, without Python's lists and numbers on the way."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from heatsvc.kernels import KERNELS
from heatsvc.pose.clip import Float32

# Placeholders in the text begin with this, which a sender cannot guess.
_PLACEHOLDER = secrets.token_hex(12)
_PLACEHOLDER_BYTES = _PLACEHOLDER.encode()
_WHITE_SPACE = b" \t\n\r"  # RFC 8259, section 2
# A key, a colon and a placeholder have more bytes.
_MIN_ENTRY_BYTES = 40
_KEYS = ("keypoint", "keypoint_score")


@dataclass(frozen=True, slots=True)
class NumberArrays:
    """Arrays parsed from JSON text, and the rest of the text, with a placeholder string for each array.

    The rest is valid JSON exactly where the text is. It still contains every list that is not a regular array of
    numbers.

    Attributes:
        text: the rest.
        arrays: by their placeholders, those that have not been inserted yet.
        is_finite: whether all their numbers are certainly finite.
    """

    text: bytes
    arrays: dict[str, Float32]
    is_finite: bool

    def insert_into(self, clip: dict[str, Any]) -> bool:
        """Replace the placeholders in a parsed clip by their arrays.

        Returns:
            whether all numbers of the clip are certainly finite.
        """
        is_finite = self.is_finite
        for key in _KEYS:
            value = clip.get(key)
            if type(value) is str and value in self.arrays:
                clip[key] = self.arrays.pop(value)
            elif value is not None:
                is_finite = False
        return is_finite


def parse_number_arrays(data: bytes, max_numbers: int, max_arrays: int) -> NumberArrays | None:
    """Parse the arrays under `keypoint` and `keypoint_score` in JSON text, wherever these keys are.

    One pass of compiled code; it allocates less than four times the text, of which it writes little.

    Args:
        data: the text, which need not be valid JSON; nothing is parsed unless it ends as an object.
        max_numbers: arrays of more numbers remain in the text.
        max_arrays: further arrays remain in the text. Each becomes a few Python objects, ten times as large as its
            text where it is short, in a loop that cannot be cancelled.

    Returns:
        float32 arrays of one to four axes: each number as a parser's double rounded to float32, `null` as NaN. None
        where there are none, or no compiled kernels.
    """
    data = data.rstrip(_WHITE_SPACE)
    size = len(data)
    if size < _MIN_ENTRY_BYTES or KERNELS.native is None:
        return None
    values = np.empty(size // 2 + 1, np.float32)
    shapes = np.empty((min(max_arrays, size // _MIN_ENTRY_BYTES), 5), np.int32)
    rest = np.empty(size, np.uint8)
    found, length, nulls = KERNELS.native.parse_number_arrays(
        data, _PLACEHOLDER_BYTES, min(max_numbers, size), rest, values, shapes
    )
    if found == 0:
        return None
    arrays: dict[str, Float32] = {}
    first = 0
    for number, (levels, *lengths) in enumerate(shapes[:found].tolist()):
        shape = lengths[:levels]
        arrays[f"{_PLACEHOLDER}{number:08}"] = np.ndarray(shape, np.float32, values, first)
        first += prod(shape) * values.itemsize
    return NumberArrays(rest[:length].tobytes(), arrays, nulls == 0)
