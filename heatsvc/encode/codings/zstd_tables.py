"""The compiled loops that make a round's tables: a Huffman code for its literals, FSE tables for its sequences.

Both are counted from the very bytes and codes that they are for, and described only where that saves more than the
description takes. FSE, finite state entropy, codes a symbol as a step from one state to the next: a table of 2**log
states has as many of each symbol as the symbol is frequent (RFC 8878, 4.1).

Compiled on import, for one signature that also takes read-only arrays.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import int32, int64, njit, types, uint8, uint32, uint64

Array = npt.NDArray[Any]

SYMBOLS = 64
"""More than any FSE table here has symbols."""
STATES = 512
TABLE = 2 * SYMBOLS + STATES
"""An FSE table as it is coded with: of each symbol what tells its bits, and where its states are; then the states."""

PREDEFINED, ONE_SYMBOL, DESCRIBED = 0, 1, 2
"""Modes of a table (RFC 8878, 3.1.1.3.2.1.2); in the first block that has it."""

MODE, LOG, SIZE = 0, 1, 2

LONGEST = 11  # bits of a literal's code (4.2.1)
DESCRIPTION = 160
"""Room for any table's description: one of FSE takes at most 64, one of Huffman 128."""

_FEW = 64  # sequences that are too few for tables of their own
_BLOCK_EXTRA = 8  # bytes that coded literals take beside their bits: sizes of streams, and broken bytes


def _in(dtype: Any, axes: int = 1) -> Any:
    return types.Array(dtype, axes, "C", readonly=True)


def _out(dtype: Any, axes: int = 1) -> Any:
    return types.Array(dtype, axes, "C")


_helper = njit(nogil=True, cache=True, error_model="numpy", forceinline=True)


@_helper
def _put(pending: int, held: int, at: int, value: int, bits: int, out: Array) -> tuple[int, int, int]:
    """Add up to 24 bits on top of the `held` < 8 ones that are pending; whole bytes go to `out`."""
    pending |= uint64(value) << uint64(held)
    held += bits
    while held >= 8:
        out[at] = pending & uint64(0xFF)
        at += 1
        pending >>= uint64(8)
        held -= 8
    return pending, held, at


@_helper
def _floor_log2(number: int) -> int:
    log = 0
    while number >> (log + 1):
        log += 1
    return log


@njit(types.void(_out(int64), int64, int64, _out(int64)), nogil=True, cache=True, error_model="numpy")
def normalise(counts: Array, symbols: int, log: int, shares: Array) -> None:
    """How many of 2**log states each symbol gets: in proportion, and at least one where it occurs at all.

    There are more states than symbols, so what is missing in the end can be taken from those that have most.
    """
    states = 1 << log
    total = 0
    for s in range(symbols):
        total += counts[s]
    left, most = states, 0
    for s in range(symbols):
        shares[s] = 0
        if counts[s] > 0:
            shares[s] = max(1, (2 * counts[s] * states + total) // (2 * total))
            left -= shares[s]
            if shares[s] > shares[most]:
                most = s
    if left > 0:
        shares[most] += left
    while left < 0:
        for s in range(symbols):
            if shares[s] > shares[most]:
                most = s
        shares[most] -= 1
        left += 1


@njit(int64(_out(int64), int64, int64, _out(uint8)), nogil=True, cache=True, error_model="numpy")
def describe(shares: Array, symbols: int, log: int, out: Array) -> int:
    """Write a table's description (RFC 8878, 4.1.1); returns its bytes.

    A share is written plus one, in just as many bits as what is left to be shared out can need; the lower ones of the
    numbers that leaves over take a bit less. After a share of 0 stand two bits for how many more follow, again and
    again while they are 3.
    """
    pending, held, at = uint64(0), 0, 0
    pending, held, at = _put(pending, held, at, log - 5, 4, out)
    left, bits = (1 << log) + 1, log + 1
    s = 0
    while left > 1:
        share = shares[s]
        s += 1
        threshold = 1 << (bits - 1)
        spare = 2 * threshold - 1 - left
        left -= share if share > 0 else -share
        value = share + 1
        if value >= threshold:
            value += spare
        pending, held, at = _put(pending, held, at, value, bits - 1 if value < spare else bits, out)
        if share == 0:
            zeros = 0
            while shares[s + zeros] == 0:
                zeros += 1
            s += zeros
            while zeros >= 3:
                pending, held, at = _put(pending, held, at, 3, 2, out)
                zeros -= 3
            pending, held, at = _put(pending, held, at, zeros, 2, out)
        while left < 1 << (bits - 1) and left > 1:
            bits -= 1
    if held > 0:
        out[at] = pending & uint64(0xFF)
        at += 1
    return at


@njit(types.void(_out(int64), int64, int64, _out(int32)), nogil=True, cache=True, error_model="numpy")
def spread(shares: Array, symbols: int, log: int, table: Array) -> None:
    """Make the table that codes by `shares`, in which -1 is a share of one that is less than one.

    States are dealt out in strides, the rarest symbols' from the end (4.1.1). To code a symbol in state x (2**log is
    counted on) is to give away so many low bits of x that as many states as the symbol has are left; these number the
    symbol's own states.
    """
    states = 1 << log
    symbol_of = np.empty(states, np.uint8)
    last = states - 1
    for s in range(symbols):
        if shares[s] == -1:
            symbol_of[last] = s
            last -= 1
    place, stride = 0, (states >> 1) + (states >> 3) + 3
    for s in range(symbols):
        for _ in range(shares[s]):
            symbol_of[place] = s
            place = (place + stride) & (states - 1)
            while place > last:
                place = (place + stride) & (states - 1)
    first = np.zeros(SYMBOLS + 1, np.int64)
    for s in range(symbols):
        share = abs(shares[s])
        first[s + 1] = first[s] + share
        if share > 0:
            bits = log - _floor_log2(share - 1) if share > 1 else log
            table[s] = (bits << 16) - (share << bits)
            table[SYMBOLS + s] = first[s] - share
    for x in range(states):
        s = symbol_of[x]
        table[2 * SYMBOLS + first[s]] = states + x
        first[s] += 1


@_helper
def _cost(counts: Array, shares: Array, symbols: int, log: int) -> float:
    """About how many bits the symbols take that are counted."""
    bits = 0.0
    for s in range(symbols):
        if counts[s] > 0:
            bits += counts[s] * (log - math.log2(abs(shares[s])))
    return bits


@_helper
def _log_for(count: int, symbols: int, least: int, most: int) -> int:
    """So large a table that it is worth its description: a few symbols counted for each state."""
    log = max(_floor_log2(max(count, 2) - 1) - 1, _floor_log2(symbols) + 1, least)
    return min(log, most)


@njit(
    types.void(
        _in(int32, 2),
        int64,
        _in(uint8),
        _in(uint8),
        _in(int64, 2),
        _in(int32, 2),
        _out(int32, 2),
        _out(uint8, 2),
        _out(int64, 2),
    ),
    nogil=True,
    cache=True,
    error_model="numpy",
)
def sequence_tables(
    sequences: Array,
    count: int,
    literal_code: Array,
    match_code: Array,
    shares: Array,
    predefined: Array,
    tables: Array,
    descriptions: Array,
    facts: Array,
) -> None:
    """The tables for a round's sequences: of literal lengths, of offsets, of match lengths.

    Args:
        sequences: of `zstd_matches.find`; the first `count` ones.
        literal_code, match_code: the code of each length.
        shares: [3, SYMBOLS], those of the predefined tables.
        predefined: [3, TABLE], these.
        tables: [3, TABLE], takes the tables.
        descriptions: [3, DESCRIPTION], takes their descriptions.
        facts: [3, 3], takes of each its MODE, its LOG and the SIZE of its description.
    """
    counts = np.zeros((3, SYMBOLS), np.int64)
    for n in range(count):
        counts[0, literal_code[sequences[n, 0]]] += 1
        counts[1, _floor_log2(sequences[n, 1])] += 1
        counts[2, match_code[sequences[n, 2]]] += 1
    own = np.zeros(SYMBOLS + 1, np.int64)
    for t in range(3):
        symbols, used = 0, 0
        for s in range(SYMBOLS):
            if counts[t, s] > 0:
                symbols = s + 1
                used += 1
        mode, log, size = PREDEFINED, 5 if t == 1 else 6, 0
        if used == 1:
            mode, log, size = ONE_SYMBOL, 0, 1
            descriptions[t, 0] = symbols - 1
            tables[t, :] = 0
        elif count >= _FEW:
            own_log = _log_for(count, symbols, 5, 8 if t == 1 else 9)
            normalise(counts[t], symbols, own_log, own)
            own_size = describe(own, symbols, own_log, descriptions[t])
            cost = _cost(counts[t], own, symbols, own_log) + 8 * own_size
            if cost < _cost(counts[t], shares[t], symbols, log):
                mode, log, size = DESCRIBED, own_log, own_size
                spread(own, symbols, log, tables[t])
        if mode == PREDEFINED:
            tables[t] = predefined[t]
        facts[t, MODE], facts[t, LOG], facts[t, SIZE] = mode, log, size


@njit(int64(_out(int64), _out(int64)), nogil=True, cache=True, error_model="numpy")
def code_lengths(counts: Array, lengths: Array) -> int:
    """Huffman's code for at least two of 256 bytes, none of it over LONGEST bits; returns the longest.

    Two queues, of bytes and of pairs, both rising, make the tree. Codes that would be too long become LONGEST, for
    which others, as rare as may be, have to become longer; codes are complete at the end, as a decoder demands.
    """
    order = np.empty(256, np.int64)
    used = 0
    for s in range(256):
        lengths[s] = 0
        if counts[s] > 0:
            order[used] = counts[s] << 8 | s
            used += 1
    order = np.sort(order[:used])
    weight = np.empty(2 * used, np.int64)
    parent = np.empty(2 * used, np.int64)
    for i in range(used):
        weight[i] = order[i] >> 8
    leaf, pair = 0, used
    for made in range(used, 2 * used - 1):
        weight[made] = 0
        for _ in range(2):
            if pair == made or (leaf < used and weight[leaf] <= weight[pair]):
                lowest = leaf
                leaf += 1
            else:
                lowest = pair
                pair += 1
            weight[made] += weight[lowest]
            parent[lowest] = made
    of_length = np.zeros(LONGEST + 1, np.int64)
    parent[2 * used - 2] = 0  # from here on depths
    for i in range(2 * used - 3, -1, -1):
        parent[i] = parent[parent[i]] + 1
        if i < used:
            of_length[min(parent[i], LONGEST)] += 1
    share = 0
    for length in range(1, LONGEST + 1):
        share += of_length[length] << (LONGEST - length)
    while share > 1 << LONGEST:
        length = LONGEST - 1
        while of_length[length] == 0:
            length -= 1
        of_length[length] -= 1
        of_length[length + 1] += 1
        share -= 1 << (LONGEST - length - 1)
    while share < 1 << LONGEST:
        length = LONGEST
        while of_length[length] == 0:
            length -= 1
        of_length[length] -= 1
        of_length[length - 1] += 1
        share += 1 << (LONGEST - length)
    longest = 0
    at = 0
    for length in range(LONGEST, 0, -1):
        if of_length[length] > 0:
            longest = max(longest, length)
        for _ in range(of_length[length]):
            lengths[order[at] & 0xFF] = length
            at += 1
    return longest


@njit(int64(_out(int64), int64, _out(uint8)), nogil=True, cache=True, error_model="numpy")
def _coded_weights(weights: Array, count: int, out: Array) -> int:
    """Weights as an FSE stream of two states, which take turns (RFC 8878, 4.2.1.2); 0 where that does not do."""
    counts = np.zeros(SYMBOLS, np.int64)
    for i in range(count):
        counts[weights[i]] += 1
    symbols, used = 0, 0
    for s in range(LONGEST + 1):
        if counts[s] > 0:
            symbols = s + 1
            used += 1
    if used < 2 or count < 3:
        return 0
    log = _log_for(count, symbols, 5, 6)
    shares = np.zeros(SYMBOLS + 1, np.int64)
    table = np.zeros(TABLE, np.int32)
    normalise(counts, symbols, log, shares)
    at = 1 + describe(shares, symbols, log, out[1:])
    spread(shares, symbols, log, table)
    pending, held = uint64(0), 0
    states = np.zeros(2, np.int64)
    for i in range(count - 1, -1, -1):
        s = weights[i]
        delta = int64(table[s])
        if i >= count - 2:
            # Any of the last symbols' states will do.
            bits = (delta + (1 << 15)) >> 16
            x = (bits << 16) - delta
        else:
            x = states[i & 1]
            bits = (x + delta) >> 16
            pending, held, at = _put(pending, held, at, x & ((1 << bits) - 1), bits, out)
        states[i & 1] = table[2 * SYMBOLS + (x >> bits) + table[SYMBOLS + s]]
        if at > 128:
            return 0
    pending, held, at = _put(pending, held, at, states[1] - (1 << log), log, out)
    pending, held, at = _put(pending, held, at, states[0] - (1 << log), log, out)
    pending, held, at = _put(pending, held, at, 1, 1, out)  # marks the stream's end
    if held > 0:
        out[at] = pending & uint64(0xFF)
        at += 1
    if at > 128:
        return 0
    out[0] = at - 1
    return at


@njit(
    int64(_in(uint8), int64, int64, _out(uint32), _out(uint8)),
    nogil=True,
    cache=True,
    error_model="numpy",
)
def literal_code(literals: Array, count: int, blocks: int, codes: Array, description: Array) -> int:
    """The Huffman code for a round's literals.

    Args:
        literals: of `zstd_matches.find`; the first `count` ones.
        blocks: over which they go.
        codes: [256], takes each byte's code, with its bits in the lowest four.
        description: [DESCRIPTION], takes the code's description (RFC 8878, 4.2.1).

    Returns:
        the bytes of the description; 0 where literals are better left as they are.
    """
    counts = np.zeros((4, 256), np.int64)
    whole = count & ~3
    for i in range(0, whole, 4):  # four counts, so that a byte need not wait for the same one before it
        counts[0, literals[uint64(i)]] += 1
        counts[1, literals[uint64(i + 1)]] += 1
        counts[2, literals[uint64(i + 2)]] += 1
        counts[3, literals[uint64(i + 3)]] += 1
    for i in range(whole, count):
        counts[0, literals[uint64(i)]] += 1
    last, used = 0, 0
    for s in range(256):
        counts[0, s] += counts[1, s] + counts[2, s] + counts[3, s]
        if counts[0, s] > 0:
            last = s
            used += 1
    if used < 2:
        return 0
    lengths = np.empty(256, np.int64)
    longest = code_lengths(counts[0], lengths)
    bits = 0
    for s in range(256):
        bits += counts[0, s] * lengths[s]
    if bits // 8 + _BLOCK_EXTRA * blocks >= count:
        return 0
    weights = np.zeros(256, np.int64)
    for s in range(last + 1):
        weights[s] = longest + 1 - lengths[s] if lengths[s] > 0 else 0
    # The last weight follows from the others.
    size = _coded_weights(weights, last, description)
    if last <= 128 and (size == 0 or 1 + (last + 1) // 2 < size):
        description[0] = 127 + last
        for i in range(0, last, 2):
            description[1 + i // 2] = weights[i] << 4 | weights[i + 1] if i + 1 < last else weights[i] << 4
        size = 1 + (last + 1) // 2
    if size == 0 or bits // 8 + size + _BLOCK_EXTRA * blocks >= count:
        return 0
    # Codes rise with the symbols of one length, from the longest ones on (4.2.1.3).
    following = np.zeros(LONGEST + 2, np.int64)
    for s in range(256):
        following[lengths[s]] += 1
    code = 0
    for length in range(longest, 0, -1):
        many = following[length]
        following[length] = code
        code = (code + many) >> 1
    for s in range(256):
        codes[s] = 0
        if lengths[s] > 0:
            codes[s] = following[lengths[s]] << 4 | lengths[s]
            following[lengths[s]] += 1
    return size
