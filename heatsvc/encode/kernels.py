"""The compiled loops of the codings: runs to bytes, and runs to checksums.

Compiled on import, each for one signature, as draw.kernels are. Runs come as their values' bytes, starts and lengths
in pixels, bytes a pixel, pixels in all, and the fill byte.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import int64, njit, types, uint8, uint32, uint64

Array = npt.NDArray[Any]

_ADLER_BASE = 65521
_BLOCK = 128 << 10  # the most bytes of a zstd block under a window of 128 KiB
_MAX_MATCH = 258
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
    literal_code: Array,
    literal_base: Array,
    literal_extra: Array,
    literal_state: Array,
    literal_bits: Array,
    literal_baseline: Array,
    match_code: Array,
    match_base: Array,
    match_extra: Array,
    match_state: Array,
    match_bits: Array,
    match_baseline: Array,
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
    literal_code: Array,
    literal_base: Array,
    literal_extra: Array,
    literal_state: Array,
    literal_bits: Array,
    literal_baseline: Array,
    match_code: Array,
    match_base: Array,
    match_extra: Array,
    match_state: Array,
    match_bits: Array,
    match_baseline: Array,
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
        literal_code,
        literal_base,
        literal_extra,
        literal_state,
        literal_bits,
        literal_baseline,
        match_code,
        match_base,
        match_extra,
        match_state,
        match_bits,
        match_baseline,
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


_CODES = (_in(uint8), _in(int64), _in(int64), _in(uint8, 2), _in(uint8), _in(uint8))


@njit(int64(*_RUNS, int64, *_CODES, *_CODES, _OUT), nogil=True, cache=True, error_model="numpy")
def zstd_blocks(
    values: Array,
    starts: Array,
    lengths: Array,
    itemsize: int,
    size: int,
    fill: int,
    literal_code: Array,
    literal_base: Array,
    literal_extra: Array,
    literal_state: Array,
    literal_bits: Array,
    literal_baseline: Array,
    match_code: Array,
    match_base: Array,
    match_extra: Array,
    match_state: Array,
    match_bits: Array,
    match_baseline: Array,
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
                    literal_code,
                    literal_base,
                    literal_extra,
                    literal_state,
                    literal_bits,
                    literal_baseline,
                    match_code,
                    match_base,
                    match_extra,
                    match_state,
                    match_bits,
                    match_baseline,
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
                    literal_code,
                    literal_base,
                    literal_extra,
                    literal_state,
                    literal_bits,
                    literal_baseline,
                    match_code,
                    match_base,
                    match_extra,
                    match_state,
                    match_bits,
                    match_baseline,
                    out,
                    at,
                )
                used, written, since, count = 0, 0, 0, 0
    return at


@_helper
def _put_bits(pending: int, held: int, at: int, code: int, bits: int, out: Array) -> tuple[int, int, int]:
    """Add up to 32 bits to the `held` < 32 ones that are pending; four whole bytes at a time go to `out`."""
    pending |= uint64(code) << uint64(held)
    held += bits
    if held >= 32:
        out[uint64(at)] = pending & uint64(0xFF)
        out[uint64(at + 1)] = pending >> uint64(8) & uint64(0xFF)
        out[uint64(at + 2)] = pending >> uint64(16) & uint64(0xFF)
        out[uint64(at + 3)] = pending >> uint64(24) & uint64(0xFF)
        return pending >> uint64(32), held - 32, at + 4
    return pending, held, at


@_helper
def _repeat(
    pending: int,
    held: int,
    at: int,
    size: int,
    fill_code: int,
    fill_bits: int,
    match_code: Array,
    match_bits: Array,
    many_code: int,
    many: int,
    out: Array,
) -> tuple[int, int, int]:
    """`size` bytes of fill: the first as a literal, the rest as matches of the byte before.

    many_code: as many longest matches as 32 bits hold, `many` of them: most of a volume is these.
    """
    if size > 0:
        pending, held, at = _put_bits(pending, held, at, fill_code, fill_bits, out)
        size -= 1
    while size >= _MAX_MATCH * many:
        pending, held, at = _put_bits(pending, held, at, many_code, many * match_bits[_MAX_MATCH], out)
        size -= _MAX_MATCH * many
    while size >= 3:
        part = min(size, _MAX_MATCH)
        pending, held, at = _put_bits(pending, held, at, match_code[uint64(part)], match_bits[uint64(part)], out)
        size -= part
    for _ in range(size):
        pending, held, at = _put_bits(pending, held, at, fill_code, fill_bits, out)
    return pending, held, at


@njit(
    int64(*_RUNS, int64, _in(uint8), int64, _in(uint64), _in(int64), _in(uint64), _in(int64), _OUT),
    nogil=True,
    cache=True,
    error_model="numpy",
)
def deflate_block(
    values: Array,
    starts: Array,
    lengths: Array,
    itemsize: int,
    size: int,
    fill: int,
    header: Array,
    header_bits: int,
    literal_code: Array,
    literal_bits: Array,
    match_code: Array,
    match_bits: Array,
    out: Array,
) -> int:
    """Write a stretch as one deflate block and an empty stored one behind it, which ends it on a byte.

    Returns the bytes written.
    """
    pending, held, at = uint64(0), 0, 0
    fill_code, fill_bits = literal_code[fill], literal_bits[fill]
    many = 32 // match_bits[_MAX_MATCH]
    many_code = uint64(0)
    for i in range(many):
        many_code |= match_code[_MAX_MATCH] << uint64(i * match_bits[_MAX_MATCH])
    for i in range(header.size):
        pending, held, at = _put_bits(pending, held, at, header[i], min(8, header_bits - 8 * i), out)
    done = 0
    source = 0
    for r in range(starts.size + 1):
        start = starts[r] * itemsize if r < starts.size else size * itemsize
        pending, held, at = _repeat(
            pending, held, at, start - done, fill_code, fill_bits, match_code, match_bits, many_code, many, out
        )
        if r == starts.size:
            break
        count = lengths[r] * itemsize
        for i in range(count):
            byte = values[uint64(source + i)]
            pending, held, at = _put_bits(pending, held, at, literal_code[byte], literal_bits[byte], out)
        source += count
        done = start + count
    pending, held, at = _put_bits(pending, held, at, literal_code[256], literal_bits[256], out)
    # An empty stored block: three zero bits, the rest of the byte, then length 0 and its complement.
    pending, held, at = _put_bits(pending, held, at, 0, 3, out)
    pending, held, at = _put_bits(pending, held, at, 0, (8 - held % 8) % 8, out)
    pending, held, at = _put_bits(pending, held, at, 0xFFFF0000, 32, out)
    while held > 0:
        out[uint64(at)] = pending & uint64(0xFF)
        pending >>= uint64(8)
        at += 1
        held -= 8
    return at


@_helper
def _adler_of_fill(low: int, high: int, size: int, fill: int) -> tuple[int, int]:
    """Adler-32's two sums after `size` more bytes of `fill`: the sum of an arithmetic series."""
    while size > 0:
        part = min(size, 1 << 24)
        high = (high + part * low + fill * (part * (part + 1) // 2)) % _ADLER_BASE
        low = (low + part * fill) % _ADLER_BASE
        size -= part
    return low, high


@njit(int64(*_RUNS, int64), nogil=True, cache=True, error_model="numpy")
def adler32_of_runs(values: Array, starts: Array, lengths: Array, itemsize: int, size: int, fill: int) -> int:
    """Adler-32 (RFC 1950, 8.2) of a stretch told by its runs."""
    low, high = 1, 0
    done = 0
    source = 0
    for r in range(starts.size):
        start = starts[r] * itemsize
        low, high = _adler_of_fill(low, high, start - done, fill)
        count = lengths[r] * itemsize
        done = start + count
        while count > 0:
            # So many bytes cannot take the sums out of 63 bits.
            part = min(count, 1 << 20)
            for i in range(part):
                low += values[uint64(source + i)]
                high += low
            low %= _ADLER_BASE
            high %= _ADLER_BASE
            source += part
            count -= part
    low, high = _adler_of_fill(low, high, size * itemsize - done, fill)
    return high << 16 | low


@_helper
def _after_power(state: int, power: int, zero_tables: Array) -> int:
    """The CRC state after 2**power zero bytes."""
    return uint32(
        zero_tables[power, 0, state & uint32(0xFF)]
        ^ zero_tables[power, 1, state >> uint32(8) & uint32(0xFF)]
        ^ zero_tables[power, 2, state >> uint32(16) & uint32(0xFF)]
        ^ zero_tables[power, 3, state >> uint32(24)]
    )


@_helper
def _after_fill(state: int, size: int, zero_tables: Array, fill_states: Array) -> int:
    """The CRC state after `size` bytes of the fill, whose own states from 0 are `fill_states`, by powers of two."""
    power = 0
    while size > 0:
        if size & 1:
            state = uint32(_after_power(state, power, zero_tables) ^ fill_states[power])
        size >>= 1
        power += 1
    return state


@njit(int64(int64, int64, _in(uint32, 3)), nogil=True, cache=True, error_model="numpy")
def crc32_after_zeros(check: int, size: int, zero_tables: Array) -> int:
    """A finished CRC-32 moved by `size` bytes: XOR the finished CRC-32 of those bytes to it."""
    state = uint32(check)
    power = 0
    while size > 0:
        if size & 1:
            state = _after_power(state, power, zero_tables)
        size >>= 1
        power += 1
    return int64(state)


@njit(int64(*_RUNS, _in(uint32, 2), _in(uint32, 3), _in(uint32)), nogil=True, cache=True, error_model="numpy")
def crc32_of_runs(
    values: Array,
    starts: Array,
    lengths: Array,
    itemsize: int,
    size: int,
    byte_tables: Array,
    zero_tables: Array,
    fill_states: Array,
) -> int:
    """CRC-32 of a stretch told by its runs."""
    state = uint32(0xFFFFFFFF)
    done = 0
    source = 0
    for r in range(starts.size):
        start = starts[r] * itemsize
        state = _after_fill(state, start - done, zero_tables, fill_states)
        count = lengths[r] * itemsize
        done = start + count
        i = 0
        while i + 4 <= count:
            at = uint64(source + i)
            state ^= (
                uint32(values[at])
                | uint32(values[at + uint64(1)]) << uint32(8)
                | uint32(values[at + uint64(2)]) << uint32(16)
                | uint32(values[at + uint64(3)]) << uint32(24)
            )
            state = uint32(
                byte_tables[3, state & uint32(0xFF)]
                ^ byte_tables[2, state >> uint32(8) & uint32(0xFF)]
                ^ byte_tables[1, state >> uint32(16) & uint32(0xFF)]
                ^ byte_tables[0, state >> uint32(24)]
            )
            i += 4
        while i < count:
            state = uint32(byte_tables[0, (state ^ values[uint64(source + i)]) & uint32(0xFF)] ^ (state >> uint32(8)))
            i += 1
        source += count
    state = _after_fill(state, size * itemsize - done, zero_tables, fill_states)
    return int64(state ^ uint32(0xFFFFFFFF))
