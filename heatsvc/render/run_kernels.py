"""The compiled kernels that read runs: into a dense array, into another type, and into the sums of a PoTion picture.

Compiled on import, for one signature that also takes read-only arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import float32, float64, int32, int64, njit, types, uint8, uint16, uint32, uint64

Array = npt.NDArray[Any]


def _in(dtype: Any, axes: int = 1) -> Any:
    return types.Array(dtype, axes, "C", readonly=True)


def _out(dtype: Any) -> Any:
    return types.Array(dtype, 1, "C")


@njit(types.void(_in(uint8), _in(int64), _in(int64), int64, _out(uint8)), nogil=True, cache=True)
def scatter(values: Array, starts: Array, lengths: Array, itemsize: int, out: Array) -> None:
    """Write runs into a dense stretch `out` that already holds the fill. All of it counted in bytes of `itemsize`."""
    source = 0
    for r in range(starts.size):
        at = starts[r] * itemsize
        size = lengths[r] * itemsize
        for i in range(size):
            out[uint64(at + i)] = values[uint64(source + i)]
        source += size


@njit(types.void(_in(float32), _out(uint8)), nogil=True, cache=True, error_model="numpy")
def to_uint8(values: Array, out: Array) -> None:
    """Times 255 in float64, rounded to nearest, ties to even, at most 255. No value may be negative or NaN."""
    for i in range(values.size):
        out[uint64(i)] = uint8(int32(min(np.rint(float64(values[uint64(i)]) * 255.0), 255.0)))


@njit(types.void(_in(float32), _in(uint32), _out(uint16)), nogil=True, cache=True, error_model="numpy")
def to_float16(values: Array, bits: Array, out: Array) -> None:
    """The bits of float16, rounded to nearest, ties to even (IEEE 754, 4.3.1); larger values become 65504.

    Args:
        values: float32.
        bits: the same memory as uint32.
    """
    for i in range(values.size):
        magnitude = bits[uint64(i)] & uint32(0x7FFFFFFF)
        # From 2**-14 on: the exponent counts from 15 instead of 127, and the last 13 bits are rounded away. A carry out
        # of the mantissa is the next exponent. 65504, the largest finite float16, has the bits 0x7BFF.
        normal = (magnitude - uint32(0x38000000) + uint32(0xFFF) + (magnitude >> uint32(13) & uint32(1))) >> uint32(13)
        normal = min(normal, uint32(0x7BFF))
        # Below it: so many times float16's smallest number, 2**-24, by which a float32 can be divided exactly.
        small = uint32(int32(np.rint(min(abs(values[uint64(i)]), float32(2.0**-14)) * float32(2.0**24))))
        half = normal if magnitude >= uint32(0x38800000) else small
        half = half if magnitude <= uint32(0x7F800000) else uint32(0x7E00)
        out[uint64(i)] = uint16(half | bits[uint64(i)] >> uint32(16) & uint32(0x8000))


@njit(
    types.void(
        _in(float32), _in(int64), _in(int64), int64, int64, int64, _in(float32, 2), types.Array(float64, 1, "C")
    ),
    nogil=True,
    cache=True,
    error_model="numpy",
)
def colour(
    values: Array, starts: Array, lengths: Array, first: int, area: int, channels: int, weights: Array, sums: Array
) -> None:
    """Add runs of frames-first maps to their channel's colour sums, each frame in its colours.

    Args:
        values, starts, lengths: runs of the maps from number `first` on.
        first: that number, counted from the first map of the picture.
        area: H x W.
        channels: K.
        weights: [T, C], how much of each colour a frame has.
        sums: [K x H x W x C], flat.
    """
    colours = weights.shape[1]
    source = 0
    for r in range(starts.size):
        for i in range(lengths[r]):
            at = first * area + starts[r] + i
            frame = at // (area * channels)
            place = (at - frame * area * channels) * colours
            for c in range(colours):
                sums[place + c] += values[source] * weights[frame, c]
            source += 1
