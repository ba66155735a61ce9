"""Finite State Entropy tables for zstd's sequences (RFC 8878, 3.1.1.3.2 and 4.1), made when first asked for.

A sequence is "so many literals, then a match of so many bytes". Its two lengths become codes with extra bits, and the
codes a walk through a table of 64 states. The predefined tables are used: they cost no bytes in a block.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

ACCURACY_LOG = 6
_STATES = 1 << ACCURACY_LOG

# Probabilities in 64ths, of offsets in 32nds, -1 for "less than one" (3.1.1.3.2.2.1 to .3).
LITERAL_LENGTHS = (4, 3, *[2] * 11, 1, 1, 1, *[2] * 9, 3, 2, *[1] * 5, *[-1] * 4)
MATCH_LENGTHS = (1, 4, 3, *[2] * 6, *[1] * 37, *[-1] * 7)
OFFSETS = (*[1] * 6, 2, 2, 2, *[1] * 15, *[-1] * 5)
OFFSET_ACCURACY_LOG = 5

# Extra bits of each code; a code's first length follows from them (3.1.1.3.2.1.1).
_LITERAL_EXTRA = (*[0] * 16, 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, *range(7, 17))
_MATCH_EXTRA = (*[0] * 32, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, *range(7, 17))
SHORTEST_MATCH = 3


class Codes(NamedTuple):
    """How lengths are written.

    Attributes:
        code: uint8 [131,075], the code of each length up to a block of 128 KiB.
        base: int64 [codes], each code's first length.
        extra: int64 [codes], its extra bits.
        state: uint8 [codes, 64], the state that has this code and leads on to the given one.
        bits: uint8 [64], how many bits the decoder reads to leave each state.
        baseline: uint8 [64], to which it adds them.
    """

    code: npt.NDArray[np.uint8]
    base: npt.NDArray[np.int64]
    extra: npt.NDArray[np.int64]
    state: npt.NDArray[np.uint8]
    bits: npt.NDArray[np.uint8]
    baseline: npt.NDArray[np.uint8]


@cache
def literal_codes() -> Codes:
    """For lengths of literals, from 0."""
    return _codes(LITERAL_LENGTHS, _LITERAL_EXTRA, 0)


@cache
def match_codes() -> Codes:
    """For lengths of matches, from 3."""
    return _codes(MATCH_LENGTHS, _MATCH_EXTRA, SHORTEST_MATCH)


def _codes(probabilities: tuple[int, ...], extra: tuple[int, ...], shortest: int) -> Codes:
    sizes = [1 << bits for bits in extra]
    base = shortest + np.concatenate([[0], np.cumsum(sizes)[:-1]])
    longest = (128 << 10) + shortest
    code = np.searchsorted(base, np.arange(longest), side="right") - 1
    symbols = _spread(probabilities)
    bits, baseline = _transitions(symbols, probabilities)
    state = np.zeros((len(probabilities), _STATES), np.uint8)
    for own in range(_STATES):
        state[symbols[own], baseline[own] : baseline[own] + (1 << bits[own])] = own
    return Codes(
        code=np.maximum(code, 0).astype(np.uint8),
        base=base.astype(np.int64),
        extra=np.array(extra, np.int64),
        state=state,
        bits=np.array(bits, np.uint8),
        baseline=np.array(baseline, np.uint8),
    )


def _spread(probabilities: tuple[int, ...]) -> list[int]:
    """Which symbol each state has (4.1.1): rare ones from the end, the others in strides through the rest."""
    symbols = [-1] * _STATES
    last = _STATES - 1
    for symbol, probability in enumerate(probabilities):
        if probability == -1:
            symbols[last] = symbol
            last -= 1
    position, stride = 0, (_STATES >> 1) + (_STATES >> 3) + 3
    for symbol, probability in enumerate(probabilities):
        for _ in range(max(probability, 0)):
            symbols[position] = symbol
            position = (position + stride) % _STATES
            while position > last:
                position = (position + stride) % _STATES
    return symbols


def _transitions(symbols: list[int], probabilities: tuple[int, ...]) -> tuple[list[int], list[int]]:
    """Of each state the bits to read and the number to add to them for the next state (4.1.1).

    A symbol's n states share the 64 next ones: counted on from n, the k-th reads 6 - floor(log2 k) bits.
    """
    count = [1 if probability == -1 else probability for probability in probabilities]
    bits, baseline = [0] * _STATES, [0] * _STATES
    for own, symbol in enumerate(symbols):
        number = count[symbol]
        count[symbol] += 1
        bits[own] = ACCURACY_LOG - (number.bit_length() - 1)
        baseline[own] = (number << bits[own]) - _STATES
    return bits, baseline
