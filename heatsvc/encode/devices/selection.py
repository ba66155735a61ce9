"""Device selection: what renders batches, and why."""

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
    """What was requested, and what was selected.

    Attributes:
        asked: `auto`, `cpu`, `cuda` or `cuda:N`.
        why: one sentence.
        gpu: renders large batches; None: the CPU renders all.
        measurements: of both, in batches of several sizes.
    """

    asked: str
    why: str
    gpu: GpuDevice | None = None
    measurements: Sequence[Measurement] = ()


def find_gpu(asked: str) -> str:
    """The CUDA device, as torch names it: `cuda:0`. On a machine without one, torch is never imported for `auto`.

    Args:
        asked: `auto`, `cuda` or `cuda:N`. `auto` looks for the driver first.

    Raises:
        DeviceError: there is no such device.
    """
    if asked == "auto":
        if os.environ.get(_VISIBLE, "0").split(",")[0].strip() in ("", "-1"):
            raise DeviceError(f"{_VISIBLE} shows no GPU")
        if not any(path.exists() for path in _DRIVER):
            raise DeviceError("there is no GPU driver")
    if KERNELS.native is None:
        raise DeviceError("a GPU needs the compiled kernels: " + (KERNELS.hint or ""))
    if find_spec("torch") is None:
        raise DeviceError("PyTorch is not installed: pip install 'heatsvc[torch]'")
    try:
        import torch
    except Exception as error:  # without some of its libraries, or with others than it was built for
        raise DeviceError(f"PyTorch cannot be loaded: {error}") from None
    if not torch.cuda.is_available():
        raise DeviceError("PyTorch sees no CUDA device")
    index = int(asked.partition(":")[2] or 0)
    if index >= torch.cuda.device_count():
        raise DeviceError(f"PyTorch sees {torch.cuda.device_count()} CUDA device(s), none of that number")
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
    """Find the GPU and measure it; takes some seconds where there is one.

    Args:
        asked: `auto` selects a GPU that is faster at some size, for batches of that size and larger; `cuda` and
            `cuda:N` select it for all batches, whatever was measured.
        workers: CPU threads that render.
        bounds: of a request.
        on_fallback: called when the CPU replaces the GPU.
        encoder: of batches; None: `heatsvc.encode.cuda`.
        sizes: clips in the batches that are measured.

    Raises:
        DeviceError: a GPU was requested, and there is none; never with `auto`.
    """
    if asked == "cpu":
        return DeviceSelection(asked, "asked for")
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
            gpu.release_memory()  # another process may measure now, and this one may never need so much again
    except Exception as error:  # a GPU that does not work keeps no service from starting
        failure = first_line(error)
    if failure is not None:
        return DeviceSelection(asked, f"{name} failed when it was tried: {failure}", measurements=measurements)
    full = ""
    if len(measurements) < len(sizes):
        full = f"ran out of memory over a batch of {sizes[len(measurements)]} clip(s) when it was tried"
    if asked != "auto":
        return DeviceSelection(asked, f"asked for, though it {full}" if full else "asked for", gpu, measurements)
    if full:  # with more memory it might win, and might not
        return DeviceSelection(asked, f"{name} {full}", measurements=measurements)
    min_bytes = min_winning_bytes(measurements)
    if min_bytes is None:
        return DeviceSelection(
            asked, f"{name} was slower than {workers} CPU worker(s) at every size", measurements=measurements
        )
    gpu.min_batch_bytes = min_bytes
    return DeviceSelection(asked, f"{name} is faster from {min_bytes:,} bytes on", gpu, measurements)
