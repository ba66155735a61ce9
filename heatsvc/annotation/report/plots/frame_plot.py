"""How long clips are, as a histogram."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from heatsvc.annotation.report.plots.axis import LEFT, RIGHT, TOP, WIDTH, Tick, round_steps, short

_HEIGHT = 200.0


@dataclass(frozen=True, slots=True)
class Bar:
    """Clips of one bin.

    Attributes:
        x, y, width, height: of its rectangle.
        title: frames and clips.
    """

    x: str
    y: str
    width: str
    height: str
    title: str


@dataclass(frozen=True, slots=True)
class FramePlot:
    """The plot.

    Attributes:
        height, bottom: of the picture, and of its axis.
        bars: the bins.
        ticks: numbers of clips.
        lengths: numbers of frames.
        median, mean: where they stand on the axis.
    """

    height: float
    bottom: float
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    lengths: tuple[Tick, ...]
    median: Tick
    mean: Tick


def frame_plot(report: dict[str, Any]) -> FramePlot | None:
    """The plot of a report; None where no clip has frames."""
    frames = report["frames"]
    start: int = frames["histogram"]["start"]
    width: int = frames["histogram"]["width"]
    counts: list[int] = frames["histogram"]["counts"]
    if not counts:
        return None
    steps = round_steps(max(counts), 4)
    bottom, scale = TOP + _HEIGHT, _HEIGHT / steps[-1]
    slot = min((WIDTH - LEFT - RIGHT) / len(counts), 80.0)

    def x_of(length: float) -> float:
        return LEFT + (length - start) / width * slot

    bars = tuple(
        Bar(
            short(LEFT + i * slot),
            short(bottom - count * scale),
            short(max(slot - 1, slot * 0.8)),
            short(count * scale),
            f"{_range(start + i * width, width)} frames: {count:,} clips",
        )
        for i, count in enumerate(counts)
        if count
    )
    step = round_steps(len(counts) * width, 10)[1]
    lengths = range(-(-start // step) * step, start + len(counts) * width + 1, step)
    return FramePlot(
        height=bottom + 34,
        bottom=bottom,
        bars=bars,
        ticks=tuple(Tick(bottom - step * scale, f"{step:,}") for step in steps),
        lengths=tuple(Tick(x_of(length), f"{length:,}") for length in lengths),
        median=Tick(x_of(frames["median"]), f"median {frames['median']:g}"),
        mean=Tick(x_of(frames["mean"]), f"mean {frames['mean']:g}"),
    )


def _range(first: int, width: int) -> str:
    return f"{first:,}" if width == 1 else f"{first:,} to {first + width - 1:,}"
