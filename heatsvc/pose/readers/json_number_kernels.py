"""The compiled kernel that parses the number arrays in JSON text.

Compiled on import, for one signature. It accepts RFC 8259's grammar only: where a list is anything but regular lists
of numbers (and `null`) it leaves the text as it is, for a JSON parser to judge. The text ends with a closing brace,
which ends every such list, so that only strings need to be checked for the end of the text; eight bytes of it are
loaded at once where as many are left, as a little-endian word.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import float32, float64, int32, int64, njit, types, uint8, uint64
from numba.core import cgutils
from numba.extending import intrinsic

Array = npt.NDArray[Any]

LEVELS = 4
"""Lists in lists: [M, T, V, 2|3] has so many."""
COUNTER = 8
"""Digits in a placeholder."""

_QUOTE, _BACKSLASH, _COLON, _COMMA, _OPEN, _CLOSE, _BRACE = 0x22, 0x5C, 0x3A, 0x2C, 0x5B, 0x5D, 0x7D
_MINUS, _PLUS, _POINT, _ZERO, _SPACE, _E = 0x2D, 0x2B, 0x2E, 0x30, 0x20, 0x65
_KEYPOINT = int.from_bytes(b"keypoint", "little")
_SCORE = int.from_bytes(b"nt_score", "little")
_NULL = tuple(b"null")

_ZEROS = 0x3030303030303030
_EACH_80 = 0x8080808080808080
_OVER_9 = 0x7676767676767676  # added to 10 or more, sets the top bit of a byte

_TENS = np.array([10**n for n in range(9)], np.uint64)
# Those that a double holds exactly.
_POWERS = np.array([float(10**n) for n in range(23)])
_MOST_POWER = 22
_EXACT = 1 << 53
_SURELY_EXACT = 15  # digits
# So many digits make a number under 2**63; those after them change it by less than 1e-17 of itself.
_DIGITS = 18
# What is further from 1 is no float32, however many digits it has.
_FAR = 3 * _MOST_POWER
_LEAST, _MOST = 1.2e-38, 3.4e38  # both within the normal float32 numbers
_LONGEST_EXPONENT = 1 << 20

# A double's last 29 bits are lost in a float32, and half way between two float32 they are these.
_LOST = (1 << 29) - 1
_HALF_WAY = 1 << 28
# In units of a double's last place, see `_rounded`.
_DOUBT = 8

_helper = njit(nogil=True, cache=True, error_model="numpy", forceinline=True)


def _take_address(typing: Any, array: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = cgutils.create_struct_proxy(signature.args[0])(context, builder, value=arguments[0]).data
        return builder.ptrtoint(data, context.get_value_type(int64))

    return int64(array), code


def _load(kind: Any) -> Any:
    def typed(typing: Any, text: Any, i: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            place = builder.inttoptr(builder.add(*arguments), context.get_value_type(kind).as_pointer())
            return builder.load(place, align=1)

        return kind(int64, int64), code

    return typed


def _count_zeros(typing: Any, word: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], cgutils.true_bit)

    return uint64(uint64), code


# None of these can be said in Python so that it becomes the one instruction that it is. The text goes about as its
# address, a plain number: an array that is given to a function with several ends costs two atomic counts of its
# references, which took longer than to read a number. `parse_number_arrays` holds the array meanwhile.
_address: Any = intrinsic(_take_address)
"""`_address(array)`: where it begins."""
_byte: Any = intrinsic(_load(uint8))
"""`_byte(text, i)`: the byte at i of the text at that address; LLVM's `load`."""
_word: Any = intrinsic(_load(uint64))
"""`_word(text, i)`: the text's eight bytes from i on as a little-endian word, of any alignment."""
_trailing_zeros: Any = intrinsic(_count_zeros)
"""`_trailing_zeros(word)`: the zeros below a word's lowest bit, which must be there; LLVM's `cttz`."""


@_helper
def _after_space(text: int, i: int) -> int:
    """The first place from i on that is no white space."""
    while _byte(text, i) <= _SPACE and (
        _byte(text, i) == _SPACE or _byte(text, i) == 9 or _byte(text, i) == 10 or _byte(text, i) == 13
    ):
        i += 1
    return i


@_helper
def _eight_digits(word: int) -> int:
    """The number of eight digits 0 to 9, the first one in the lowest byte: pairs, then fours, then all of them."""
    pairs = word * uint64(10) + (word >> uint64(8))
    low = uint64(0x000000FF000000FF)
    even = (pairs & low) * uint64(0x000F424000000064)  # 1,000,000 and 100
    odd = (pairs >> uint64(16) & low) * uint64(0x0000271000000001)  # 10,000 and 1
    return (even + odd) >> uint64(32)


@_helper
def _digits(text: int, size: int, i: int, number: int) -> tuple[int, int]:
    """`number`, the digits from i on written behind it (modulo 2**64), and the first place that has no digit."""
    while i <= size - 8:
        word = _word(text, i) ^ uint64(_ZEROS)
        # The top bit of each byte that is over 9: of the lowest such byte for certain, and only that one counts.
        other = ((word + uint64(_OVER_9)) | word) & uint64(_EACH_80)
        # No branch: whether there are seven or eight cannot be predicted.
        count = uint64(8) if other == uint64(0) else _trailing_zeros(other) >> uint64(3)
        if count == uint64(0):
            return number, i
        # As if zeros stood before them.
        word = word << (uint64(64) - (count << uint64(3)))
        number = number * _TENS[count] + _eight_digits(word)
        i += int64(count)
        if uint8(_byte(text, i) - uint8(_ZERO)) > 9:
            return number, i
    digit = uint8(_byte(text, i) - uint8(_ZERO))
    while digit <= 9:
        number = number * uint64(10) + uint64(digit)
        i += 1
        digit = uint8(_byte(text, i) - uint8(_ZERO))
    return number, i


@_helper
def _first_digits(text: int, first: int, last: int) -> tuple[int, int]:
    """The first 18 digits that count, of a number without its exponent, and the power of ten that they are times."""
    number, taken, power, point = uint64(0), 0, 0, False
    for k in range(first, last):
        byte = _byte(text, k)
        if byte == _POINT:
            point = True
        elif taken < _DIGITS:
            number = number * uint64(10) + uint64(byte - _ZERO)
            taken += number > 0
            power -= point
        else:
            power += not point
    return number, power


@_helper
def _rounded(number: int, power: int) -> tuple[float, bool]:
    """The double number * 10**power or one near it, and whether both certainly become the same float32.

    The number becomes a double, and is multiplied or divided by three powers of ten at most. Each of the four steps is
    wrong by no more than 2**-53 of the value, and the digits left out are by less: five such parts in all, of which one
    is at most a unit in the last place. The double nearest to the text, from which the float32 is to be rounded, is
    another half unit away. So both lie on one side of a point half way between two float32 that is more than _DOUBT
    units off.
    """
    value = float64(int64(number))
    if power < -_FAR or power > _FAR:
        return value, False
    while power < -_MOST_POWER:
        value /= _POWERS[_MOST_POWER]
        power += _MOST_POWER
    while power > _MOST_POWER:
        value *= _POWERS[_MOST_POWER]
        power -= _MOST_POWER
    if power < 0:
        value /= _POWERS[uint64(-power)]
    else:
        value *= _POWERS[uint64(power)]
    lost = int64(np.float64(value).view(np.uint64) & uint64(_LOST))
    return value, _LEAST < value < _MOST and abs(lost - _HALF_WAY) > _DOUBT


@_helper
def _number(text: int, size: int, i: int) -> tuple[float, int]:
    """The number at i as a double that becomes the float32 it should, and the place after it (RFC 8259, section 6).

    Returns:
        a place under 0 where there is no number, or one that is not read here: too large or too small for a normal
        float32, or too near to the middle between two of them.
    """
    negative = False
    if _byte(text, i) == _MINUS:
        negative = True
        i += 1
    first = i
    number = uint64(0)
    digit = uint8(_byte(text, i) - uint8(_ZERO))
    # Few, and mostly as many as in the number before: to guess that is faster than to count them in a word.
    while digit <= 9:
        number = number * uint64(10) + uint64(digit)
        i += 1
        digit = uint8(_byte(text, i) - uint8(_ZERO))
    digits = i - first
    if digits == 0:
        # `null`, which is taken for "not detected".
        for k in range(4):
            if negative or _byte(text, i + k) != _NULL[k]:
                return 0.0, -1
        return np.nan, i + 4
    if digits > 1 and _byte(text, first) == _ZERO:
        return 0.0, -1
    decimals = 0
    if _byte(text, i) == _POINT:
        point = i + 1
        number, i = _digits(text, size, point, number)
        decimals = i - point
        if decimals == 0:
            return 0.0, -1
    digits += decimals
    if digits > _SURELY_EXACT or _byte(text, i) | 0x20 == _E:
        return _long_number(text, first, i, number, digits, decimals)
    # Both are doubles, and so the one operation rounds as it should (Clinger 1990).
    value = float64(int64(number)) / _POWERS[uint64(decimals)]
    if negative:
        # A whole -0 is read as an integer, which has no such zero.
        value = -value if number > 0 or decimals > 0 else 0.0
    return value, i


@njit(nogil=True, cache=True, error_model="numpy")
def _long_number(text: int, first: int, i: int, number: int, digits: int, decimals: int) -> tuple[float, int]:
    """As `_number`, for one of many digits or with an exponent.

    Args:
        first, i: positions of the digits and a point: from `first` to i.
        number: the digits, modulo 2**64.
        digits, decimals: how many there are in all, and after the point.
    """
    power = -decimals
    exact = digits <= _DIGITS
    if not exact:
        number, power = _first_digits(text, first, i)
    whole = decimals == 0
    if _byte(text, i) | 0x20 == _E:
        i += 1
        below = _byte(text, i) == _MINUS
        if below or _byte(text, i) == _PLUS:
            i += 1
        start, exponent = i, 0
        while _ZERO <= _byte(text, i) <= _ZERO + 9:
            exponent = min(exponent * 10 + int64(_byte(text, i)) - _ZERO, _LONGEST_EXPONENT)
            i += 1
        if i == start or exponent == _LONGEST_EXPONENT:
            return 0.0, -1
        power += -exponent if below else exponent
        whole = False
    value, sure = 0.0, True
    if exact and number <= uint64(_EXACT) and -_MOST_POWER <= power <= _MOST_POWER:
        value = float64(int64(number))
        value = value / _POWERS[uint64(-power)] if power < 0 else value * _POWERS[uint64(power)]
    elif number > 0:
        value, sure = _rounded(number, power)
    if not sure:
        return 0.0, -1
    if _byte(text, first - 1) == _MINUS:
        value = 0.0 if whole and number == 0 else -value
    return value, i


@_helper
def _lists(
    text: int, size: int, i: int, values: Array, at: int, most: int, shape: Array, counts: Array
) -> tuple[bool, int, int, int]:
    """The lists at i, their numbers written to `values` from `at` on.

    Args:
        most: more numbers are not read.
        shape: takes the number of levels, and how long the lists of each are, those further out first.
        counts: room for as many numbers.

    Returns:
        whether they are regular lists of numbers; the place after them, or one where they have stopped to be; how
        many numbers `values` holds then; and how many of those read here are `null`.
    """
    room = min(values.size, at + most)
    levels, nulls = 0, 0
    while _byte(text, i) == _OPEN:
        if levels == LEVELS:
            return False, i, at, nulls
        levels += 1
        shape[levels], counts[levels] = 0, 0
        i = _after_space(text, i + 1)
    shape[0] = levels
    width, rows = 0, 0  # of the innermost lists, and of those around them
    while True:
        row = at
        while True:
            value, after = _number(text, size, i)
            if after < 0 or at >= room:
                return False, i, at, nulls
            values[uint64(at)] = float32(value)
            nulls += value != value
            at += 1
            i = _after_space(text, after)
            if _byte(text, i) != _COMMA:
                break
            i = _after_space(text, i + 1)
        if _byte(text, i) != _CLOSE or (width and at - row != width):
            return False, i, at, nulls
        width = at - row
        rows += 1
        i += 1
        level = levels - 1
        if level > 0:
            i = _after_space(text, i)
            if _byte(text, i) == _CLOSE:
                counts[level], rows = rows, 0
                level, i = _closed(text, i, level, shape, counts)
        if level == 0:
            shape[levels] = width
            return True, i, at, nulls
        if _byte(text, i) != _COMMA:
            return False, i, at, nulls
        # Lists begin where as many have ended.
        i = _after_space(text, i + 1)
        while level < levels:
            if _byte(text, i) != _OPEN:
                return False, i, at, nulls
            level += 1
            i = _after_space(text, i + 1)


@_helper
def _closed(text: int, i: int, level: int, shape: Array, counts: Array) -> tuple[int, int]:
    """The level that is left open by the brackets that close at i, and the place of what follows them.

    Lists that are not as long as those before them are left open, and so found to lack a comma.
    """
    while level > 0 and _byte(text, i) == _CLOSE and (shape[level] == 0 or shape[level] == counts[level]):
        shape[level], counts[level] = counts[level], 0
        level -= 1
        counts[level] += 1
        i = i + 1 if level == 0 else _after_space(text, i + 1)
    return level, i


@_helper
def _copy(text: Array, first: int, last: int, out: Array, at: int) -> int:
    for k in range(last - first):
        out[uint64(at + k)] = text[uint64(first + k)]
    return at + last - first


@_helper
def _placeholder(mark: Array, number: int, out: Array, at: int) -> int:
    """The string of `mark` and a number of _COUNTER digits."""
    out[uint64(at)] = _QUOTE
    at = _copy(mark, 0, mark.size, out, at + 1)
    for k in range(COUNTER - 1, -1, -1):
        out[uint64(at + k)] = _ZERO + number % 10
        number //= 10
    out[uint64(at + COUNTER)] = _QUOTE
    return at + COUNTER + 1


@njit(
    types.UniTuple(int64, 3)(
        types.Array(uint8, 1, "C", readonly=True),
        types.Array(uint8, 1, "C", readonly=True),
        int64,
        types.Array(uint8, 1, "C"),
        types.Array(float32, 1, "C"),
        types.Array(int32, 2, "C"),
    ),
    nogil=True,
    cache=True,
    error_model="numpy",
)
def parse_number_arrays(
    text: Array, mark: Array, most: int, out: Array, values: Array, shapes: Array
) -> tuple[int, int, int]:
    """Copy JSON text, with a placeholder string instead of each regular list of numbers under a key of keypoints.

    The keys are `keypoint` and `keypoint_score`, at any depth. One pass: what has been read of a list that
    turns out not to be sound holds no string, and so no key, and is not looked at again.

    Args:
        text: its last byte must be a closing brace; otherwise nothing is lifted.
        mark: the strings are this and a number of eight digits, counted from 0.
        most: longer lists are left as they are.
        out: takes the copy; of as many bytes, since no list is replaced that is shorter than the string.
        values: takes the numbers of all lists, one after the other, `null` as NaN. A number of a list has two bytes
            of text or more, so that half as many and one are enough; where they are not, lists are left.
        shapes: [L, 5], takes each list's number of levels, one to four, and how long the lists of each level are.
            Further lists than L are left.

    Returns:
        how many lists were replaced; the bytes written to `out`; and how many `null` there are among the numbers of
        these lists, or a few more. -1, 0, 0 where the text ends otherwise, or an array is too short.
    """
    size = text.size
    if size == 0 or text[uint64(size - 1)] != _BRACE or out.size < size or shapes.shape[1] != LEVELS + 1:
        return -1, 0, 0
    string = mark.size + COUNTER + 2
    room = min(shapes.shape[0], 10**COUNTER)
    at_text = _address(text)
    shape, counts = np.zeros(LEVELS + 1, np.int64), np.zeros(LEVELS + 1, np.int64)
    i, copied, at, found, numbers, nulls = 0, 0, 0, 0, 0, 0
    while i < size and found < room:
        i += 1
        if text[uint64(i - 1)] != _QUOTE:
            continue
        start = i
        while i < size and text[uint64(i)] != _QUOTE:
            i += 2 if text[uint64(i)] == _BACKSLASH else 1
        if i >= size:
            break
        length = i - start
        i += 1
        if length != 8 and length != 14:
            continue
        if _word(at_text, start) != uint64(_KEYPOINT) or (length == 14 and _word(at_text, start + 6) != uint64(_SCORE)):
            continue
        i = _after_space(at_text, i)
        if text[uint64(i)] != _COLON:
            continue
        i = _after_space(at_text, i + 1)
        if text[uint64(i)] != _OPEN:
            continue
        start = i
        sound, i, filled, empty = _lists(at_text, size, i, values, numbers, most, shape, counts)
        nulls += empty
        if not sound or i - start < string:
            continue
        at = _copy(text, copied, start, out, at)
        at = _placeholder(mark, found, out, at)
        for k in range(LEVELS + 1):
            shapes[found, k] = shape[k]
        copied, numbers = i, filled
        found += 1
    return found, _copy(text, copied, size, out, at), nulls
