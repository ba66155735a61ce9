"""Spots: a piece of a volume of small keypoints, each told by a row and a column whose product it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LANES = 8
"""Pixels of a spot's side, at the most."""


@dataclass(frozen=True, slots=True, eq=False)
class Spots:
    """S spots of float32 pixels in a stretch of `size` pixels; all others are 0.

    A spot's pixels need not be written down before they are coded: of 25 pixels these are 16 numbers, and no row has a
    start and a length of its own.

    Attributes:
        places: int64 [S, 3], first pixel of each spot, counted from the stretch's start, its columns and its rows, at
            most LANES. Rising; between a row of a spot and the next row, of this spot or another, are two pixels or
            more.
        values: float32 [S, 2 * LANES], a row and a column: pixel x of row y is ``values[s, x] * values[s, LANES + y]``,
            in float32, and above 0. What is beyond columns or rows says nothing.
        width: from a row to the next one, in pixels.
        pixels, rows: of all spots.
        size: pixels in the stretch, W x H for each map.
    """

    places: npt.NDArray[np.int64]
    values: npt.NDArray[np.float32]
    width: int
    pixels: int
    rows: int
    size: int

    @property
    def nbytes(self) -> int:
        """Bytes of the stretch when it is dense."""
        return self.size * self.values.itemsize
