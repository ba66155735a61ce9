"""The compiled loop of zstd: runs to blocks.

Compiled on import, for one signature that also takes read-only arrays. Runs come as their values' bytes, starts and
lengths in pixels, bytes a pixel, pixels in all, and the fill byte.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import int64, njit, types, uint8, uint64

Array = npt.NDArray[Any]
Codes = tuple[Array, Array, Array, Array, Array, Array]

_BLOCK = 128 << 10  # the most bytes of a block under a window of 128 KiB
# Bytes of fill that are worth a sequence: it costs at most 6 bytes, and one literal.
_SHORTEST_GAP = 8


def _in(dtype: Any, axes: int = 1) -> Any:
    return types.Array(dtype, axes, "C", readonly=True)


_RUNS = (_in(uint8), _in(int64), _in(int64), int64, int64)
_OUT = types.Array(uint8, 1, "C")

_helper = njit(nogil=True, cache=True, error_model="numpy")


@_helper
def _block_header(kind: int, size: int, out: Array, at: int) -> int:
    """A zstd block's three bytes, not the last block (RFC 8878, 3.1.1.2)."""
    header = size << 3 | kind << 1
    out[uint64(at)] = header & 0xFF
    out[uint64(at + 1)] = header >> 8 & 0xFF
    out[uint64(at + 2)] = header >> 16 & 0xFF
    return at + 3


@_helper
def _rle_block(size: int, fill: int, out: Array, at: int) -> int:
    """`size` bytes of `fill` as one RLE block."""
    at = _block_header(1, size, out, at)
    out[uint64(at)] = fill
    return at + 1


@_helper
def _add_bits(pending: int, held: int, at: int, value: int, bits: int, out: Array) -> tuple[int, int, int]:
    """Add up to 16 bits on top of the `held` < 8 ones that are pending; whole bytes go to `out`."""
    pending |= uint64(value) << uint64(held)
    held += bits
    while held >= 8:
        out[uint64(at)] = pending & uint64(0xFF)
        pending >>= uint64(8)
        at += 1
        held -= 8
    return pending, held, at


@_helper
def _sequences(
    count: int,
    literals: Array,
    matches: Array,
    literal: Codes,
    match: Codes,
    out: Array,
    at: int,
) -> int:
    """A block's sequences section (RFC 8878, 3.1.1.3.2), every offset the byte before: the first repeated one.

    The bits are read from the end, so the last sequence is written first, and of each what is read last.
    """
    if count < 128:
        out[at] = count
        at += 1
    elif count < 0x7F00:
        out[at], out[at + 1] = (count >> 8) + 128, count & 0xFF
        at += 2
    else:
        out[at], out[at + 1], out[at + 2] = 255, (count - 0x7F00) & 0xFF, (count - 0x7F00) >> 8
        at += 3
    # Modes: lengths by the predefined tables, all offsets by one symbol; the symbol, code 0: repeated offset 1.
    out[at], out[at + 1] = 0x10, 0
    at += 2
    literal_code, literal_base, literal_extra, literal_state, literal_bits, literal_baseline = literal
    match_code, match_base, match_extra, match_state, match_bits, match_baseline = match
    pending, held = uint64(0), 0
    from_literal, from_match = 0, 0
    for n in range(count - 1, -1, -1):
        ll, ml = literals[n], matches[n]
        lc, mc = literal_code[ll], match_code[ml]
        if n == count - 1:
            # Any state of the last symbol will do: the one that would lead on to state 0.
            from_literal, from_match = literal_state[lc, 0], match_state[mc, 0]
        else:
            to_match, to_literal = from_match, from_literal
            from_match, from_literal = match_state[mc, to_match], literal_state[lc, to_literal]
            pending, held, at = _add_bits(
                pending, held, at, to_match - match_baseline[from_match], match_bits[from_match], out
            )
            pending, held, at = _add_bits(
                pending, held, at, to_literal - literal_baseline[from_literal], literal_bits[from_literal], out
            )
        pending, held, at = _add_bits(pending, held, at, ll - literal_base[lc], literal_extra[lc], out)
        pending, held, at = _add_bits(pending, held, at, ml - match_base[mc], match_extra[mc], out)
    pending, held, at = _add_bits(pending, held, at, from_match, 6, out)
    pending, held, at = _add_bits(pending, held, at, from_literal, 6, out)
    pending, held, at = _add_bits(pending, held, at, 1, 1, out)  # marks the stream's end
    if held > 0:
        out[at] = pending & uint64(0xFF)
        at += 1
    return at


@_helper
def _as_raw(count: int, literals: Array, matches: Array, fill: int, size: int, out: Array, at: int) -> int:
    """Turn the literals, which stand from at + 6 on, and their sequences into a raw block of `size` bytes at `at`."""
    dense = np.empty(size, np.uint8)
    source, target = at + 6, 0
    for n in range(count):
        for _ in range(literals[n]):
            dense[target] = out[source]
            source += 1
            target += 1
        for _ in range(matches[n]):
            dense[target] = fill
            target += 1
    while target < size:
        dense[target] = out[source]
        source += 1
        target += 1
    at = _block_header(0, size, out, at)
    for i in range(size):
        out[at + i] = dense[i]
    return at + size


@_helper
def _close_block(
    count: int,
    literals: Array,
    matches: Array,
    fill: int,
    size: int,
    written: int,
    literal: Codes,
    match: Codes,
    out: Array,
    at: int,
) -> int:
    """Finish the block at `at`, whose literals stand behind the place of its headers; returns where it ends."""
    if count == 0:
        return _as_raw(count, literals, matches, fill, size, out, at)
    end = _sequences(
        count,
        literals,
        matches,
        literal,
        match,
        out,
        at + 6 + written,
    )
    if end - at - 3 >= size:
        # A few short gaps do not save what the headers cost, and a block must not be longer than what it stands for.
        return _as_raw(count, literals, matches, fill, size, out, at)
    _block_header(2, end - at - 3, out, at)
    # Raw literals, their number in 20 bits (RFC 8878, 3.1.1.3.1.1).
    out[at + 3] = 3 << 2 | (written & 0xF) << 4
    out[at + 4] = written >> 4 & 0xFF
    out[at + 5] = written >> 12 & 0xFF
    return end


# fse.Codes: code, base, extra, state, bits, baseline
_CODES = types.Tuple((_in(uint8), _in(int64), _in(int64), _in(uint8, 2), _in(uint8), _in(uint8)))


@njit(int64(*_RUNS, int64, _CODES, _CODES, _OUT), nogil=True, cache=True, error_model="numpy")
def zstd_blocks(
    values: Array,
    starts: Array,
    lengths: Array,
    itemsize: int,
    size: int,
    fill: int,
    literal: Codes,
    match: Codes,
    out: Array,
) -> int:
    """Write a stretch as zstd blocks, none of them the last; returns the bytes written.

    A block of nothing but fill is an RLE block. Any other has the runs as raw literals, each with one byte of the fill
    behind it, and a sequence a gap: those literals, then a match that repeats that byte.
    """
    literals = np.empty(_BLOCK // _SHORTEST_GAP + 1, np.int64)
    matches = np.empty(_BLOCK // _SHORTEST_GAP + 1, np.int64)
    at = 0  # where the block begins in `out`; its literals stand behind two headers of 3 bytes
    used = 0  # bytes of the stretch in the block
    written = 0  # literals in the block
    since = 0  # of them, since the last sequence
    count = 0  # sequences in the block
    source = 0
    done = 0
    total = size * itemsize
    for r in range(starts.size + 1):
        start = starts[r] * itemsize if r < starts.size else total
        gap = start - done
        while gap > 0:
            part = min(gap, _BLOCK - used)
            if used == 0 and (part == _BLOCK or start == total):
                at = _rle_block(part, fill, out, at)
                gap -= part
                continue
            if part >= _SHORTEST_GAP:
                out[uint64(at + 6 + written)] = fill
                literals[uint64(count)] = since + 1
                matches[uint64(count)] = part - 1
                written += 1
                since = 0
                count += 1
            else:
                for i in range(part):
                    out[uint64(at + 6 + written + i)] = fill
                written += part
                since += part
            used += part
            gap -= part
            if used == _BLOCK or (gap == 0 and start == total):
                at = _close_block(
                    count,
                    literals,
                    matches,
                    fill,
                    used,
                    written,
                    literal,
                    match,
                    out,
                    at,
                )
                used, written, since, count = 0, 0, 0, 0
        if r == starts.size:
            break
        left = lengths[r] * itemsize
        done = start + left
        while left > 0:
            part = min(left, _BLOCK - used)
            for i in range(part):
                out[uint64(at + 6 + written + i)] = values[uint64(source + i)]
            written += part
            since += part
            source += part
            used += part
            left -= part
            if used == _BLOCK or (left == 0 and done == total):
                at = _close_block(
                    count,
                    literals,
                    matches,
                    fill,
                    used,
                    written,
                    literal,
                    match,
                    out,
                    at,
                )
                used, written, since, count = 0, 0, 0, 0
    return at
