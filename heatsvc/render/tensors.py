"""PyTorch tensors of volumes, rendered on the CPU or on a CUDA device. torch is imported when a function needs it."""

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
    """Say what to install where there is no PyTorch.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    if importlib.util.find_spec("torch") is None:
        raise ModuleNotFoundError(
            "tensors need PyTorch, which is not installed: pip install 'heatsvc[torch]'", name="torch"
        )


def as_device(device: str | torch.device) -> torch.device:
    """The device, if volumes can be rendered on it.

    Raises:
        ModuleNotFoundError: there is no PyTorch.
        DeviceError: no such device, or nothing renders on it. Never the CPU in its place.
    """
    check_pytorch()
    import torch

    try:
        found = torch.device(device)
    except RuntimeError:
        raise DeviceError(f"there is no device {device!r:.60}: give cpu, cuda or cuda:N") from None
    if found.type == "cpu":
        return found
    if found.type != "cuda":
        raise DeviceError(f"heatmaps are rendered on cpu and cuda, not on {found.type}")
    if not torch.cuda.is_available():
        raise DeviceError(f"PyTorch sees no CUDA device here, so nothing can be rendered on {found}: give cpu")
    if (found.index or 0) >= torch.cuda.device_count():
        raise DeviceError(f"there is no {found}: PyTorch sees {torch.cuda.device_count()} CUDA device(s)")
    return found


def render_tensors(
    volumes: Sequence[HeatmapVolume], dtype: DType, device: str | torch.device, bounds: Bounds
) -> list[torch.Tensor]:
    """Volumes as tensors of their `shape` on a device.

    Args:
        volumes: of any shapes.
        dtype: as `render_array` takes it.
        device: cpu or a CUDA device.
        bounds: on a CUDA device what all volumes together are held to.

    Raises:
        ModuleNotFoundError: there is no PyTorch.
        DeviceError: as `as_device`; or PoTion pictures or volumes reduced by argmax on a CUDA device.
        LimitError: more than `bounds` allow.
    """
    found = as_device(device)
    if found.type == "cpu":
        import torch

        return [torch.from_numpy(render_array(volume, dtype)) for volume in volumes]
    if dtype == "int16" or any(volume.potion for volume in volumes):
        raise DeviceError(f"argmax and PoTion pictures are rendered on the CPU alone, not on {found}: give cpu")
    from heatsvc.render.cuda import render_batch

    return list(render_batch(list(volumes), dtype, found, bounds=bounds))
