"""Copies several arrays to a device at once, and a tensor back to the host."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

# Alignment of the arrays in bytes: no array has larger elements.
_ALIGNMENT = 16


class PackedArrays:
    """Arrays of any types and shapes in one buffer, so that they are copied to a device at once.

    Attributes:
        arrays: the arrays in the given order, not initialized.
    """

    def __init__(self, columns: Sequence[tuple[npt.DTypeLike, tuple[int, ...]]], *, pinned: bool = False):
        """Allocate arrays of these types and shapes, in pinned memory for copies to a CUDA device if `pinned`."""
        types = [np.dtype(kind) for kind, _ in columns]
        self._places, size = [], 0
        for dtype, (_, shape) in zip(types, columns, strict=True):
            self._places.append(size)
            size += -(-dtype.itemsize * prod(shape) // _ALIGNMENT) * _ALIGNMENT
        self._pinned: torch.Tensor | None = None
        if pinned:
            import torch

            # Mostly from torch's cache of pinned pages; they are reused when the last copy is done.
            self._pinned = torch.empty(size, dtype=torch.uint8, pin_memory=True)
        buffer = np.empty(size, np.uint8) if self._pinned is None else self._pinned.numpy()
        self.arrays: list[npt.NDArray[Any]] = [
            buffer[at : at + dtype.itemsize * prod(shape)].view(dtype).reshape(shape)
            for at, dtype, (_, shape) in zip(self._places, types, columns, strict=True)
        ]

    def to(self, device: torch.device) -> list[torch.Tensor]:
        """The arrays as tensors on a device; on the CPU the tensors share the memory.

        For a CUDA device they are copied at once on the current stream; the host does not wait if they are pinned.
        """
        import torch

        if device.type == "cpu" or self._pinned is None:
            return [torch.from_numpy(array).to(device) for array in self.arrays]
        there = self._pinned.to(device, non_blocking=True)
        return [
            there[at : at + array.nbytes].view(torch.from_numpy(array[:0]).dtype).view(array.shape)
            for at, array in zip(self._places, self.arrays, strict=True)
        ]


def to_host(tensor: torch.Tensor) -> npt.NDArray[Any]:
    """Copy a tensor to an array, with one copy on the current stream; on the CPU the array shares the memory.

    From a CUDA device it is copied to pinned memory, which returns to torch when the array and all its views are
    deleted. The calling thread sleeps until the copy is done.
    """
    import torch

    if tensor.device.type == "cpu":
        return tensor.numpy()
    host = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=tensor.device.type == "cuda")
    host.copy_(tensor, non_blocking=True)
    done: Any = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
    done.record(torch.cuda.current_stream(tensor.device))
    done.synchronize()
    return host.numpy()


def device_context(device: torch.device) -> Any:
    """A context that makes a device the current one, on which Triton launches kernels."""
    import torch

    return torch.cuda.device(device if device.type == "cuda" else -1)
