"""parse_number_arrays: parses keypoints in JSON text directly to arrays, without lists and numbers of Python."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import numpy as np

from heatsvc.kernels import KERNELS
from heatsvc.pose.clip import Float32

# Placeholders begin with this, which a client cannot guess; a number of eight digits follows.
_PLACEHOLDER = secrets.token_hex(12)
_PLACEHOLDER_BYTES = len(_PLACEHOLDER) + 8 + 2
_WHITE_SPACE = b" \t\n\r"  # RFC 8259, section 2
# A key, a colon and a placeholder have more bytes.
_MIN_ENTRY_BYTES = 40
_KEYS = ("keypoint", "keypoint_score")


@dataclass(frozen=True, slots=True)
class NumberArrays:
    """Arrays parsed from JSON text, and the rest of the text, with a placeholder string for each array.

    The rest is valid JSON if and only if the text is. It still contains lists that are not regular arrays of numbers.

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
    found_arrays = np.empty((min(max_arrays, size // _MIN_ENTRY_BYTES), 6), np.int64)
    found, nulls = KERNELS.native.parse_number_arrays(
        data, _PLACEHOLDER_BYTES, min(max_numbers, size), values, found_arrays
    )
    if found == 0:
        return None
    text: list[bytes] = []
    arrays: dict[str, Float32] = {}
    copied = first = 0
    for number, (start, end, *lengths) in enumerate(found_arrays[:found].tolist()):
        name = f"{_PLACEHOLDER}{number:08}"
        array = np.ndarray(tuple(filter(None, lengths)), np.float32, values, first)
        arrays[name] = array
        first += array.nbytes
        text += data[copied:start], b'"%s"' % name.encode()
        copied = end
    text.append(data[copied:])
    return NumberArrays(b"".join(text), arrays, nulls == 0)
