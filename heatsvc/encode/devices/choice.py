"""Choice: on what batches are drawn, and why on that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from heatsvc.bounds import Bounds
from heatsvc.encode.devices.calibration import SIZES, Figure, calibrate, least_to_win
from heatsvc.encode.devices.find import NoGpuError, find_gpu
from heatsvc.encode.devices.gpu import Coder, Fell, GpuDevice, first_line


@dataclass(frozen=True, slots=True)
class Choice:
    """What was asked for, and what came of it.

    Attributes:
        asked: `auto`, `cpu`, `cuda` or `cuda:N`.
        why: one sentence.
        gpu: what large batches are drawn on; None: the CPU draws all.
        figures: what was measured.
    """

    asked: str
    why: str
    gpu: GpuDevice | None = None
    figures: Sequence[Figure] = ()


def choose(
    asked: str,
    lanes: int,
    bounds: Bounds,
    fell: Fell,
    *,
    coder: Coder | None = None,
    sizes: Sequence[int] = SIZES,
    alone: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Choice:
    """Find the GPU and measure it; takes some seconds where there is one.

    Args:
        asked: `auto` takes a GPU that wins at some size, for batches of that size and larger; `cuda` and `cuda:N`
            take it for all batches, whatever was measured.
        lanes: of the CPU.
        bounds: of a request.
        fell: told when the CPU steps in.
        coder: of batches; None: the one of `heatsvc.encode.cuda`.
        sizes: clips in the batches that are measured.
        alone: entered while a GPU that was found is measured, to keep others from it meanwhile.

    Raises:
        NoGpuError: a GPU was asked for, and there is none; never with `auto`.
    """
    if asked == "cpu":
        return Choice(asked, "asked for")
    try:
        name = find_gpu(asked)
    except NoGpuError as error:
        if asked != "auto":
            raise
        return Choice(asked, str(error))
    try:
        with alone():
            return measured(asked, name, lanes, bounds, fell, coder=coder, sizes=sizes)
    except Exception as error:  # a GPU that is there and cannot be worked with keeps no service from starting
        return Choice(asked, f"{name} failed when it was tried: {first_line(error)}")


def measured(
    asked: str,
    name: str,
    lanes: int,
    bounds: Bounds,
    fell: Fell,
    *,
    coder: Coder | None = None,
    sizes: Sequence[int] = SIZES,
) -> Choice:
    """The choice for a device that torch knows by name; arguments as `choose` has them."""
    gpu = GpuDevice(name, bounds, coder=coder, fell=fell)
    figures = calibrate(gpu, lanes, sizes)
    if gpu.failure:
        return Choice(asked, f"{name} failed when it was tried: {gpu.failure}", figures=figures)
    gpu.rest()  # another process may want to measure now, and this one may never ask for so much again
    full = ""
    if len(figures) < len(sizes):
        full = f"ran out of memory over a batch of {sizes[len(figures)]} clip(s) when it was tried"
    if asked != "auto":
        return Choice(asked, f"asked for, though it {full}" if full else "asked for", gpu, figures)
    if full:  # with more of it it might win, and might not
        return Choice(asked, f"{name} {full}", figures=figures)
    least = least_to_win(figures)
    if least is None:
        return Choice(asked, f"{name} was slower than {lanes} CPU lane(s) at every size", figures=figures)
    gpu.least = least
    return Choice(asked, f"{name} is faster from {least:,} bytes on", gpu, figures)
