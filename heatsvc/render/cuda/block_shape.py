"""Blocks: the rectangles of a map that one program of a Triton kernel draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_LONGEST_ROW = 128


@dataclass(frozen=True, slots=True)
class BlockShape:
    """How large a block is, in pixels: both powers of two."""

    rows: int
    columns: int

    @classmethod
    def of(cls, height: int, width: int, pixels: int) -> BlockShape:
        """A block of at most so many pixels for maps up to `height` x `width`: as wide as these, then as high."""
        columns = min(_power_of_two(width), _LONGEST_ROW)
        return cls(min(_power_of_two(height), pixels // columns), columns)

    def before(self, sides: npt.NDArray[np.int64], maps: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """int64 [N + 1]: of N volumes of `maps` [N] maps of `sides` [N, 2], the blocks before each one's, then all."""
        blocks = (-(-sides // np.array([self.rows, self.columns]))).prod(1) * maps
        return np.concatenate((np.zeros(1, np.int64), np.cumsum(blocks)))


def _power_of_two(side: int) -> int:
    return 1 << max(side - 1, 0).bit_length()
