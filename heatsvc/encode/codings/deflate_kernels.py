"""The compiled kernels of deflate: runs to one block.

Compiled on import, for one signature that also takes read-only arrays. Runs come as their values' bytes, starts and
lengths in pixels, bytes a pixel, pixels in all, and the fill byte.
"""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
from numba import int64, njit, types, uint8, uint64

Array = npt.NDArray[Any]

_MAX_MATCH = 258


def _in(dtype: Any, axes: int = 1) -> Any:
    return types.Array(dtype, axes, "C", readonly=True)


_RUNS = (_in(uint8), _in(int64), _in(int64), int64, int64)
_OUT = types.Array(uint8, 1, "C")

_helper = njit(nogil=True, cache=True, error_model="numpy", forceinline=True)


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
