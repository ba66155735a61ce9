"""PixelRuns and SeparablePatches: the non-zero pixels of a tile, which every encoder and every array is made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

SIMD_WIDTH = 8
"""Pixels of a patch's side, at most."""


@dataclass(frozen=True, slots=True, eq=False)
class PixelRuns:
    """R runs of pixels in a tile of `size` pixels; every byte between the runs is `fill`.

    Attributes:
        start: int64 [R], first pixel of each run, counted from the tile's first pixel; ascending, runs do not overlap.
        length: int64 [R], pixels in each run, at least 1.
        values: [sum of length], the runs' pixels one after the other.
        size: pixels in the tile, W x H for each map.
        fill: 0, or 255 for an int16 volume of -1 (`argmax`).
    """

    start: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]
    values: npt.NDArray[Any]
    size: int
    fill: int = 0

    @classmethod
    def of_array(cls, array: npt.NDArray[Any]) -> PixelRuns:
        """The runs of non-zero pixels of a dense array; runs less than 8 bytes apart are joined."""
        flat = array.reshape(-1)
        edges = np.flatnonzero(np.diff(flat != 0, prepend=False, append=False))
        start, stop = edges[::2], edges[1::2]
        apart = (start[1:] - stop[:-1]) * flat.itemsize >= 8
        start, stop = start[np.append(True, apart)[: start.size]], stop[np.append(apart, True)[: stop.size]]
        inside = np.zeros(flat.size + 1, np.int8)
        inside[start] += 1
        inside[stop] -= 1
        return cls(start, stop - start, flat[np.cumsum(inside[:-1], dtype=np.int8).view(bool)], flat.size)

    @property
    def itemsize(self) -> int:
        """Bytes per pixel."""
        return int(self.values.dtype.itemsize)

    @property
    def nbytes(self) -> int:
        """Bytes of the dense tile."""
        return self.size * self.itemsize


@dataclass(frozen=True, slots=True, eq=False)
class SeparablePatches:
    """S float32 patches in a tile of `size` pixels, each the outer product of a column and a row; other pixels are 0.

    A small Gaussian is stored as 16 numbers instead of 25 pixels, and its rows need no start and length each.

    Attributes:
        places: int64 [S, 3], the first pixel of each patch, counted from the tile's first pixel, its columns and its
            rows, at most SIMD_WIDTH. Ascending; at least two pixels lie between a row of a patch and the next row, of
            this patch or another.
        values: float32 [S, 2 * SIMD_WIDTH], a row and a column: pixel x of row y is
            ``values[s, x] * values[s, SIMD_WIDTH + y]``, in float32, and above 0. Numbers beyond the patch's columns
            or rows are undefined.
        width: pixels from a row to the next one, W.
        pixels, rows: in all patches.
        size: pixels in the tile, W x H for each map.
    """

    places: npt.NDArray[np.int64]
    values: npt.NDArray[np.float32]
    width: int
    pixels: int
    rows: int
    size: int

    @property
    def nbytes(self) -> int:
        """Bytes of the dense tile."""
        return self.size * self.values.itemsize
