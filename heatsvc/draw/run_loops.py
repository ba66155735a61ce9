"""The compiled loops that read runs: into a dense array, and into the sums of a PoTion picture.

Compiled on import, for one signature that also takes read-only arrays.
"""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
from numba import float32, float64, int64, njit, types, uint8, uint64

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
            spot = (at - frame * area * channels) * colours
            for c in range(colours):
                sums[spot + c] += values[source] * weights[frame, c]
            source += 1
