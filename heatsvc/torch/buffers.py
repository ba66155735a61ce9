"""Buffers: the memory of batches that nobody uses any more, for the next ones."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt

_KEPT = 2
# Who holds a buffer that is free: the list, the variable that looks at it, the call that counts.
_FREE = 3


class Buffers:
    """Arrays that become tensors, handed out anew once no tensor shares their memory.

    A batch has hundreds of megabytes, and to get fresh pages of the system takes several times as long as to draw into
    pages that are there. `torch.from_numpy` holds the array for as long as any tensor, view or autograd node lives that
    shares its memory, so the array's reference count tells. Two are kept: a loop still has one batch when it asks for
    the next.
    """

    def __init__(self) -> None:
        self._arrays: list[npt.NDArray[Any]] = []

    def take(self, shape: tuple[int, ...], dtype: str, fill: int) -> npt.NDArray[Any]:
        """An array of that shape and type, all `fill`."""
        for array in self._arrays:
            if array.shape == shape and array.dtype == dtype and sys.getrefcount(array) == _FREE:
                array.fill(fill)
                return array
        # NumPy's zeros are pages that the system hands out when they are first touched; those of PyTorch are written.
        fresh = np.full(shape, fill, dtype) if fill else np.zeros(shape, dtype)
        alike = [array for array in self._arrays if array.shape == shape and array.dtype == dtype]
        self._arrays = [*alike, fresh][-_KEPT:]
        return fresh

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: another process has memory of its own."""
        return {"_arrays": []}
