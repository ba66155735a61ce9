"""Which GPU there is, asked so that a machine without one never loads PyTorch."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

# What NVIDIA's driver has in place for whoever may use it: on Linux, under WSL, and on a Jetson.
_DRIVER = (Path("/dev/nvidiactl"), Path("/dev/dxg"), Path("/dev/nvmap"))
_VISIBLE = "CUDA_VISIBLE_DEVICES"


class NoGpuError(RuntimeError):
    """There is no GPU to be used, and why."""


def find_gpu(asked: str) -> str:
    """The CUDA device that batches may be drawn on, as torch names it: `cuda:0`.

    Args:
        asked: `auto`, `cuda` or `cuda:N`. `auto` looks for the driver first, and loads PyTorch only if it is there.

    Raises:
        NoGpuError: there is no such device.
    """
    if asked == "auto":
        if os.environ.get(_VISIBLE, "0").split(",")[0].strip() in ("", "-1"):
            raise NoGpuError(f"{_VISIBLE} shows no GPU")
        if not any(path.exists() for path in _DRIVER):
            raise NoGpuError("there is no GPU driver")
    if find_spec("torch") is None:
        raise NoGpuError("PyTorch is not installed: pip install 'heatsvc[torch]'")
    try:
        import torch
    except Exception as error:  # without some of its libraries, or with others than it was built for
        raise NoGpuError(f"PyTorch cannot be loaded: {error}") from None
    if not torch.cuda.is_available():
        raise NoGpuError("PyTorch sees no CUDA device")
    index = int(asked.partition(":")[2] or 0)
    if index >= torch.cuda.device_count():
        raise NoGpuError(f"PyTorch sees {torch.cuda.device_count()} CUDA device(s), none of that number")
    return f"cuda:{index}"
