"""Tables: arrays in one buffer, which one copy that nobody waits for takes to a device."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from heatsvc.render.cuda.tensors import Device, Tensor

# Bytes: no table's numbers are longer.
_ALIGNMENT = 16


class Tables:
    """Arrays of any types and shapes, which lie in one buffer one after the other.

    Attributes:
        arrays: the arrays, in the order they were asked for, not initialised.
    """

    def __init__(self, columns: Sequence[tuple[npt.DTypeLike, tuple[int, ...]]], *, pinned: bool = False):
        """Make room for arrays of these types and shapes; `pinned` where a CUDA device is to read them."""
        types = [np.dtype(kind) for kind, _ in columns]
        self._places, size = [], 0
        for dtype, (_, shape) in zip(types, columns, strict=True):
            self._places.append(size)
            size += -(-dtype.itemsize * prod(shape) // _ALIGNMENT) * _ALIGNMENT
        self._pinned: Tensor | None = None
        if pinned:
            import torch

            # From the pages that torch keeps pinned, mostly; it holds them back until the last copy from them is done.
            self._pinned = torch.empty(size, dtype=torch.uint8, pin_memory=True)
        buffer = np.empty(size, np.uint8) if self._pinned is None else self._pinned.numpy()
        self.arrays: list[npt.NDArray[Any]] = [
            buffer[at : at + dtype.itemsize * prod(shape)].view(dtype).reshape(shape)
            for at, dtype, (_, shape) in zip(self._places, types, columns, strict=True)
        ]

    def to(self, device: Device) -> list[Tensor]:
        """The arrays as tensors on a device; on the CPU they share the memory.

        To a CUDA device they go by one copy on the current stream, from pinned memory without waiting for it.
        """
        import torch

        if device.type == "cpu" or self._pinned is None:
            return [torch.from_numpy(array).to(device) for array in self.arrays]
        there = self._pinned.to(device, non_blocking=True)
        return [
            there[at : at + array.nbytes].view(torch.from_numpy(array[:0]).dtype).view(array.shape)
            for at, array in zip(self._places, self.arrays, strict=True)
        ]
