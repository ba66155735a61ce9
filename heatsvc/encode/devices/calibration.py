"""Calibration: from which size on a GPU is the faster way to a batch, here and now."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import numpy as np
import numpy.typing as npt

from heatsvc.encode.codings import CODINGS
from heatsvc.encode.devices.cpu import CpuDevice
from heatsvc.encode.devices.gpu import GpuDevice
from heatsvc.encode.drawing import Drawing
from heatsvc.encode.errand import Errand
from heatsvc.encode.stretch import Stretch
from heatsvc.volume import HeatmapVolume

# Clips of PoseC3D's size, [48, 17, 64, 64].
SIZES = (1, 4, 16, 64)
_FRAMES, _POINTS, _SIDE = 48, 17, 64
_REPEATS = 5


@dataclass(frozen=True, slots=True)
class Figure:
    """A batch, from coordinates to zstd, on both sides.

    Attributes:
        clips: in the batch.
        size: bytes of dense output.
        cpu_seconds: of all CPU lanes together.
        gpu_seconds: of the GPU.
    """

    clips: int
    size: int
    cpu_seconds: float
    gpu_seconds: float


def least_to_win(figures: Sequence[Figure]) -> int | None:
    """Bytes of dense output from which the GPU is faster, at that size and at all larger ones; None: at none.

    Args:
        figures: from the smallest to the largest.
    """
    least = None
    for figure in reversed(figures):
        if figure.gpu_seconds >= figure.cpu_seconds:
            break
        least = figure.size
    return least


def calibrate(gpu: GpuDevice, lanes: int, sizes: Sequence[int] = SIZES) -> list[Figure]:
    """Measure both; stops where the GPU leaves something, since it is lost or has no memory for it.

    Args:
        lanes: of the CPU, each of which takes its share of a batch.
        sizes: clips in a batch.
    """
    _load(gpu)
    clips = _clips(max(sizes))
    figures = []
    for size in sizes:
        batch = clips[:size]
        cpu = _seconds(CpuDevice(1), batch) / min(lanes, size)
        on_gpu = _seconds(gpu, batch)
        if math.isinf(on_gpu):
            break
        figures.append(Figure(size, sum(clip.cost for clip in batch), cpu, on_gpu))
    return figures


def _load(gpu: GpuDevice) -> None:
    """One batch of each kind: so that no request waits until something is compiled for it."""
    limbs = np.array([[0, 1]], np.int32)
    for limb in (limbs[:0], limbs):
        volume = HeatmapVolume(_points(1), np.ones((1, _FRAMES, _POINTS), np.float32), _SIDE, _SIDE, limbs=limb)
        for coding in CODINGS.values():
            drawings = [Drawing.of("load", volume, dtype) for dtype in ("float32", "float16", "uint8")]
            tasks = [Stretch(drawing, drawing.tiles, coding, Errand()) for drawing in drawings]
            gpu.run([task for task in tasks if gpu.takes(task)])


def _clips(count: int) -> list[Stretch]:
    scores = np.ones((1, _FRAMES, _POINTS), np.float32)
    volumes = [HeatmapVolume(_points(seed), scores, _SIDE, _SIDE) for seed in range(count)]
    drawings = [Drawing.of(str(place), volume, "float32") for place, volume in enumerate(volumes)]
    return [Stretch(drawing, drawing.tiles, CODINGS["zstd"], Errand()) for drawing in drawings]


def _points(seed: int) -> npt.NDArray[np.float32]:
    """A person whose points move about, float32 [1, T, V, 2]."""
    steps = np.random.default_rng(seed).normal(0, 0.5, (1, _FRAMES, _POINTS, 2))
    start = np.random.default_rng(seed + 1000).uniform(8, _SIDE - 8, (1, 1, _POINTS, 2))
    points: npt.NDArray[np.float32] = np.clip(start + steps.cumsum(axis=1), 0, _SIDE - 1).astype(np.float32)
    return points


def _seconds(device: CpuDevice | GpuDevice, batch: Sequence[Stretch]) -> float:
    """Of one run, the median of a few, behind one that does not count; infinite where it leaves something."""
    times = []
    for _ in range(1 + _REPEATS):
        started = perf_counter()
        outcomes: Sequence[object] = device.run(batch)
        times.append(perf_counter() - started)
        if any(outcome is None for outcome in outcomes):
            return math.inf
    return median(times[1:])
