"""Device selection: selects the device that renders batches."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from heatsvc.bounds import Bounds
from heatsvc.encode.devices.calibration import SIZES, Measurement, calibrate, min_winning_bytes
from heatsvc.encode.devices.gpu import BatchEncoder, GpuDevice, OnFallback, first_line
from heatsvc.errors import DeviceError
from heatsvc.kernels import KERNELS

# Device files of NVIDIA's driver: on Linux, under WSL, and on a Jetson.
_DRIVER = (Path("/dev/nvidiactl"), Path("/dev/dxg"), Path("/dev/nvmap"))
_VISIBLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True, slots=True)
class DeviceSelection:
    """The requested and the selected device.

    Attributes:
        asked: `auto`, `cpu`, `cuda` or `cuda:N`.
        why: the reason for the selection.
        gpu: the GPU that renders large batches; None if the CPU renders all.
        measurements: measurements of CPU and GPU for batches of several sizes.
    """

    asked: str
    why: str
    gpu: GpuDevice | None = None
    measurements: Sequence[Measurement] = ()


def find_gpu(asked: str) -> str:
    """The torch name of the CUDA device, such as `cuda:0`. With `auto`, torch is not imported if there is no driver.

    Args:
        asked: `auto`, `cuda` or `cuda:N`.

    Raises:
        DeviceError: the device does not exist, or cannot be used.
    """
    if asked == "auto":
        if os.environ.get(_VISIBLE, "0").split(",")[0].strip() in ("", "-1"):
            raise DeviceError(f"{_VISIBLE} hides all GPUs")
        if not any(path.exists() for path in _DRIVER):
            raise DeviceError("there is no GPU driver")
    if KERNELS.native is None:
        raise DeviceError("rendering on a GPU needs the compiled kernels: " + (KERNELS.hint or ""))
    if find_spec("torch") is None:
        raise DeviceError("PyTorch is not installed: pip install 'heatsvc[torch]'")
    try:
        import torch
    except Exception as error:  # its libraries are missing or have other versions
        raise DeviceError(f"PyTorch cannot be loaded: {error}") from None
    if not torch.cuda.is_available():
        raise DeviceError("PyTorch finds no CUDA device")
    index = int(asked.partition(":")[2] or 0)
    if index >= torch.cuda.device_count():
        raise DeviceError(f"the device does not exist: PyTorch finds {torch.cuda.device_count()} CUDA device(s)")
    return f"cuda:{index}"


def select_device(
    asked: str,
    workers: int,
    bounds: Bounds,
    on_fallback: OnFallback,
    *,
    encoder: BatchEncoder | None = None,
    sizes: Sequence[int] = SIZES,
) -> DeviceSelection:
    """Find the GPU and measure it, which takes some seconds.

    Args:
        asked: `auto` selects a GPU for batches from the size at which it is faster; `cuda` and `cuda:N` select it for
            all batches.
        workers: number of CPU threads that render.
        bounds: limits of a request.
        on_fallback: called when the CPU replaces the GPU.
        encoder: the encoder of batches; None uses `heatsvc.encode.cuda`.
        sizes: numbers of clips of the measured batches.

    Raises:
        DeviceError: a GPU was requested that does not exist; never with `auto`.
    """
    if asked == "cpu":
        return DeviceSelection(asked, "requested")
    try:
        name = find_gpu(asked)
    except DeviceError as error:
        if asked != "auto":
            raise
        return DeviceSelection(asked, str(error))
    measurements: Sequence[Measurement] = ()
    try:
        gpu = GpuDevice(name, bounds, encoder=encoder, on_fallback=on_fallback)
        measurements = calibrate(gpu, workers, sizes)
        failure = gpu.failure
        if failure is None:
            gpu.release_memory()  # another process may measure now, and this one may not need as much again
    except Exception as error:  # the service must start even if the GPU does not work
        failure = first_line(error)
    if failure is not None:
        return DeviceSelection(asked, f"{name} failed while it was measured: {failure}", measurements=measurements)
    full = ""
    if len(measurements) < len(sizes):
        full = f"ran out of memory for a batch of {sizes[len(measurements)]} clip(s) while it was measured"
    if asked != "auto":
        return DeviceSelection(asked, f"requested, although it {full}" if full else "requested", gpu, measurements)
    if full:  # whether it would be faster with more memory is unknown
        return DeviceSelection(asked, f"{name} {full}", measurements=measurements)
    min_bytes = min_winning_bytes(measurements)
    if min_bytes is None:
        return DeviceSelection(
            asked, f"{name} was slower than {workers} CPU worker(s) at every size", measurements=measurements
        )
    gpu.min_batch_bytes = min_bytes
    return DeviceSelection(asked, f"{name} is faster from {min_bytes:,} bytes on", gpu, measurements)
