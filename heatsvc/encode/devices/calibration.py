"""Calibration: measures the batch size from which a GPU is faster than the CPU on this machine."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import numpy as np
import numpy.typing as npt

from heatsvc.bounds import DEFAULT_BOUNDS
from heatsvc.encode.codings import CODINGS, Coding
from heatsvc.encode.devices.gpu import GpuDevice
from heatsvc.encode.formats import FORMATS
from heatsvc.encode.job import PlannedVolume, RenderJob, WorkItem
from heatsvc.render.cpu import DType
from heatsvc.volume import HeatmapVolume

# Clips of PoseC3D's size, [48, 17, 64, 64].
SIZES = (1, 4, 16, 64)
_FRAMES, _POINTS, _SIDE = 48, 17, 64
_REPEATS = 5
_NPY = FORMATS["application/x-npy"]


@dataclass(frozen=True, slots=True)
class Measurement:
    """How long both devices take for a batch, from coordinates to zstd.

    Attributes:
        clips: number of clips in the batch.
        size: size of the decoded output in bytes.
        cpu_seconds: duration with all CPU workers.
        gpu_seconds: duration with the GPU.
    """

    clips: int
    size: int
    cpu_seconds: float
    gpu_seconds: float


def min_winning_bytes(measurements: Sequence[Measurement]) -> int | None:
    """The size in bytes from which the GPU is faster, at this and all larger measured sizes; None if there is none.

    Args:
        measurements: measurements from the smallest batch to the largest.
    """
    size = None
    for each in reversed(measurements):
        if each.gpu_seconds >= each.cpu_seconds:
            break
        size = each.size
    return size


def calibrate(gpu: GpuDevice, workers: int, sizes: Sequence[int] = SIZES) -> list[Measurement]:
    """Measure both devices. Stop if the GPU declines an item, since it failed or lacks memory for it.

    Args:
        gpu: the GPU.
        workers: number of CPU threads that share a batch.
        sizes: number of clips of each batch.
    """
    _load(gpu)
    items = [_item(str(seed), _volume(seed), "float32", CODINGS["zstd"]) for seed in range(max(sizes))]
    measurements = []
    for size in sizes:
        batch = items[:size]
        cpu_seconds = _seconds(lambda batch=batch: [item.run() for item in batch]) / min(workers, size)  # type: ignore[misc]
        gpu_seconds = _seconds(lambda batch=batch: gpu.run(batch))  # type: ignore[misc]
        if math.isinf(gpu_seconds):
            break
        measurements.append(Measurement(size, sum(item.decoded_bytes for item in batch), cpu_seconds, gpu_seconds))
    return measurements


def _load(gpu: GpuDevice) -> None:
    """Run one batch of each kind, so that no request has to wait for a compilation."""
    limbs = np.array([[0, 1]], np.int32)
    dtypes: tuple[DType, ...] = ("float32", "float16", "uint8")
    for limb in (limbs[:0], limbs):
        for coding in CODINGS.values():
            items = [_item("load", _volume(1, limb), dtype, coding) for dtype in dtypes]
            gpu.run([item for item in items if gpu.takes(item)])


def _item(name: str, volume: HeatmapVolume, dtype: DType, coding: Coding) -> WorkItem:
    planned = PlannedVolume.plan(name, volume, dtype, coding)
    return RenderJob(_NPY.writer([planned], coding, DEFAULT_BOUNDS), whole_volumes=True).items[0]


def _volume(seed: int, limbs: npt.NDArray[np.int32] | None = None) -> HeatmapVolume:
    """A volume of a person with moving points."""
    steps = np.random.default_rng(seed).normal(0, 0.5, (1, _FRAMES, _POINTS, 2))
    start = np.random.default_rng(seed + 1000).uniform(8, _SIDE - 8, (1, 1, _POINTS, 2))
    keypoint: npt.NDArray[np.float32] = np.clip(start + steps.cumsum(axis=1), 0, _SIDE - 1).astype(np.float32)
    none = np.zeros((0, 2), np.int32)
    scores = np.ones((1, _FRAMES, _POINTS), np.float32)
    return HeatmapVolume(keypoint, scores, _SIDE, _SIDE, limbs=none if limbs is None else limbs)


def _seconds(run: Callable[[], Sequence[object]]) -> float:
    """The median duration of a few runs after a warm-up run; infinite if an item is declined."""
    times = []
    for _ in range(1 + _REPEATS):
        started = perf_counter()
        results = run()
        times.append(perf_counter() - started)
        if any(result is None for result in results):
            return math.inf
    return median(times[1:])
