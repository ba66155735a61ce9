"""Tables from the host to a device, by one copy that nobody waits for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from heatsvc.draw.gpu.tensors import Device, Tensor

# Bytes: no table's numbers are longer.
_ALIGNMENT = 16


def transfer(tables: Sequence[npt.NDArray[Any]], device: Device) -> list[Tensor]:
    """The tables as tensors on a device, of the same shapes and types.

    On the CPU they share their memory. To a CUDA device they go by one copy from pinned memory on the current stream,
    which torch's allocator keeps until the copy is done.
    """
    import torch

    if device.type == "cpu":
        return [torch.from_numpy(table) for table in tables]
    places, size = [], 0
    for table in tables:
        places.append(size)
        size += -(-table.nbytes // _ALIGNMENT) * _ALIGNMENT
    pinned = torch.empty(size, dtype=torch.uint8, pin_memory=device.type == "cuda")
    host = pinned.numpy()
    for table, at in zip(tables, places, strict=True):
        host[at : at + table.nbytes] = np.ascontiguousarray(table).reshape(-1).view(np.uint8)
    there = pinned.to(device, non_blocking=True)
    return [
        there[at : at + table.nbytes].view(torch.from_numpy(table[:0]).dtype).view(table.shape)
        for table, at in zip(tables, places, strict=True)
    ]
