"""From a device to the host."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from heatsvc.render.cuda.tensors import Tensor


def fetch(tensor: Tensor) -> npt.NDArray[Any]:
    """The tensor as an array, by one copy on the current stream; on the CPU it shares the memory.

    From a CUDA device it goes to pinned memory, which is torch's again when the array and all its views are gone. The
    calling thread sleeps until the copy is done.
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
