"""The compiled kernels of checksums: runs to Adler-32 and CRC-32.

Compiled on import, for one signature that also takes read-only arrays. Runs come as their values' bytes, starts and
lengths in pixels, bytes a pixel, pixels in all, and the fill byte.
"""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
from numba import int64, njit, types, uint8, uint32, uint64

Array = npt.NDArray[Any]

_ADLER_BASE = 65521


def _in(dtype: Any, axes: int = 1) -> Any:
    return types.Array(dtype, axes, "C", readonly=True)


_RUNS = (_in(uint8), _in(int64), _in(int64), int64, int64)

_helper = njit(nogil=True, cache=True, error_model="numpy", forceinline=True)


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
    """Adler-32 (RFC 1950, 8.2) of a stretch given as its runs."""
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
    """CRC-32 of a stretch given as its runs."""
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
