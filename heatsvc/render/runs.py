"""Runs: a piece of a volume as its non-zero pixels, the form that every way out is made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """R runs of pixels in a stretch of `size` pixels; between the runs every byte is `fill`.

    Attributes:
        start: int64 [R], first pixel of each run, counted from the stretch's start; rising, runs do not overlap.
        length: int64 [R], pixels in each run, at least 1.
        values: [sum of length], the runs' pixels one after the other.
        size: pixels in the stretch, W x H for each map.
        fill: 0, or 255 for an int16 volume of -1 (`argmax`).
    """

    start: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]
    values: npt.NDArray[Any]
    size: int
    fill: int = 0

    @classmethod
    def of_array(cls, array: npt.NDArray[Any]) -> Runs:
        """A dense array's runs of non-zero pixels, those less than 8 bytes apart as one."""
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
        """Bytes a pixel."""
        return int(self.values.dtype.itemsize)

    @property
    def nbytes(self) -> int:
        """Bytes of the stretch when it is dense."""
        return self.size * self.itemsize
