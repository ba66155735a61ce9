"""Renders volumes as PyTorch tensors, on the CPU or a CUDA device. torch is imported when a function needs it."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import TYPE_CHECKING

from heatsvc.bounds import Bounds
from heatsvc.errors import DeviceError
from heatsvc.render.array import render_array
from heatsvc.render.cpu import DType
from heatsvc.volume import HeatmapVolume

if TYPE_CHECKING:
    import torch


def check_pytorch() -> None:
    """Check that PyTorch is installed.

    Raises:
        ModuleNotFoundError: it is not; the message says how to install it.
    """
    if importlib.util.find_spec("torch") is None:
        raise ModuleNotFoundError(
            "tensors need PyTorch, which is not installed: pip install 'heatsvc[torch]'", name="torch"
        )


def as_device(device: str | torch.device) -> torch.device:
    """The device, if volumes can be rendered on it.

    Raises:
        ModuleNotFoundError: PyTorch is not installed.
        DeviceError: the device does not exist, or cannot render. There is no fallback to the CPU.
    """
    check_pytorch()
    import torch

    try:
        found = torch.device(device)
    except RuntimeError:
        raise DeviceError(f"unknown device {device!r:.60}: use cpu, cuda or cuda:N") from None
    if found.type == "cpu":
        return found
    if found.type != "cuda":
        raise DeviceError(f"heatmaps cannot be rendered on {found.type}: use cpu or cuda")
    if not torch.cuda.is_available():
        raise DeviceError(f"PyTorch finds no CUDA device, so heatmaps cannot be rendered on {found}: use cpu")
    if (found.index or 0) >= torch.cuda.device_count():
        raise DeviceError(f"{found} does not exist: PyTorch finds {torch.cuda.device_count()} CUDA device(s)")
    return found


def render_tensors(
    volumes: Sequence[HeatmapVolume], dtype: DType, device: str | torch.device, bounds: Bounds
) -> list[torch.Tensor]:
    """Render volumes as tensors of their `shape` on a device.

    Args:
        volumes: volumes of any shapes.
        dtype: see `render_array`.
        device: cpu or a CUDA device.
        bounds: limits of all volumes together, on a CUDA device.

    Raises:
        ModuleNotFoundError: PyTorch is not installed.
        DeviceError: raised by `as_device`; or a PoTion picture or a volume reduced by argmax is on a CUDA device.
        LimitError: a bound is exceeded.
    """
    found = as_device(device)
    if found.type == "cpu":
        import torch

        return [torch.from_numpy(render_array(volume, dtype)) for volume in volumes]
    if dtype == "int16" or any(volume.potion for volume in volumes):
        raise DeviceError(f"argmax and PoTion pictures can only be rendered on the CPU, not on {found}: use cpu")
    from heatsvc.render.cuda import render_batch

    return list(render_batch(list(volumes), dtype, found, bounds=bounds))
