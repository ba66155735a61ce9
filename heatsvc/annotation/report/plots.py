"""Computes the geometry of plots: coordinates of bars, ticks and labels, which the template writes as inline SVG.

Inline SVG is used instead of a plotting library, since text stays text in any script, colors adapt to light and dark
mode, the files are small, and the server needs no Korean font.
"""

from __future__ import annotations

import itertools
import math
import unicodedata
from dataclasses import dataclass
from typing import Any, NamedTuple

WIDTH = 1000.0
"""Width of all plots in SVG units."""
LEFT, RIGHT, TOP = 56.0, 12.0, 10.0
"""Margins; the left one has the labels of the vertical axis."""
_CLASS_HEIGHT, _FRAME_HEIGHT = 220.0, 200.0
_MAX_CLASSES = 600
_MAX_LABELED = 60
_LABEL_LENGTH = 12
_LEVELS = 8
_NAMES_WIDTH = 150.0


class Tick(NamedTuple):
    """A mark on an axis: its coordinate and its text."""

    at: float
    text: str


def round_steps(most: float, wanted: int) -> list[int]:
    """0 and the multiples of 1, 2 or 5 times a power of ten, up to the first that is not below `most`."""
    sizes = (step * 10**power for power in itertools.count() for step in (1, 2, 5))
    size = next(size for size in sizes if most <= size * wanted)
    return [size * i for i in range(max(1, -(-int(most) // size)) + 1)]


def _vertical_axis(largest: int, height: float) -> tuple[float, float, tuple[Tick, ...]]:
    """The y of zero, the height of a unit, and the ticks of an axis up to a number."""
    steps = round_steps(largest, 4)
    bottom, scale = TOP + height, height / steps[-1]
    return bottom, scale, tuple(Tick(bottom - step * scale, f"{step:,}") for step in steps)


def short(number: float) -> str:
    """A coordinate with at most one decimal."""
    return f"{round(number, 1):g}"


def box(x: float, y: float, width: float, height: float) -> str:
    """A rectangle as a piece of an SVG path."""
    return f"M{short(x)} {short(y)}h{short(width)}v{short(height)}h{short(-width)}z"


class Column(NamedTuple):
    """A class: the area that shows the tooltip `title`, and its label, "" if there are too many classes."""

    x: str
    width: str
    label: str
    title: str


@dataclass(frozen=True, slots=True)
class ClassPlot:
    """A plot.

    Attributes:
        height, bottom: height of the plot, and y of its axis.
        paths: bars of each split, as SVG paths.
        columns: the classes shown.
        ticks: numbers of clips.
        left_out: number of classes that are not shown.
    """

    height: float
    bottom: float
    paths: tuple[str, ...]
    columns: tuple[Column, ...]
    ticks: tuple[Tick, ...]
    left_out: int


def class_plot(report: dict[str, Any]) -> ClassPlot | None:
    """The plot of clips by class; None if there are no classes or no clips."""
    splits = [split["name"] for split in report["splits"]]
    classes = sorted(report["classes"], key=lambda row: -sum(row["clips"].values()))
    if not classes or not any(classes[0]["clips"].values()):
        return None
    shown = classes[:_MAX_CLASSES]
    bottom, scale, ticks = _vertical_axis(sum(shown[0]["clips"].values()), _CLASS_HEIGHT)
    slot = (WIDTH - LEFT - RIGHT) / len(shown)
    width = min(slot * 0.86 if slot > 4 else slot, 48.0)
    pieces: list[list[str]] = [[] for _ in splits]
    columns = []
    for i, row in enumerate(shown):
        x, y = LEFT + i * slot, bottom
        for split, piece in zip(splits, pieces, strict=True):
            height = row["clips"].get(split, 0) * scale
            if height:
                y -= height
                piece.append(box(x + (slot - width) / 2, y, width, height))
        label = _short_label(row["label"]) if len(shown) <= _MAX_LABELED else ""
        clips = ", ".join(f"{split} {row['clips'].get(split, 0)}" for split in splits)
        columns.append(Column(short(x), short(slot), label, f"{row['label']}: {clips}"))
    return ClassPlot(
        height=bottom + 14 + max(_label_height(column.label) for column in columns),
        bottom=bottom,
        paths=tuple("".join(piece) for piece in pieces),
        columns=tuple(columns),
        ticks=ticks,
        left_out=len(classes) - len(shown),
    )


def _short_label(label: str) -> str:
    return label if len(label) <= _LABEL_LENGTH else label[: _LABEL_LENGTH - 1] + "…"


def _label_height(label: str) -> float:
    """The height of a label at 45 degrees; Korean letters are about twice as wide as Latin ones."""
    return sum(8.5 if unicodedata.east_asian_width(letter) in "WF" else 5.0 for letter in label)


class Bar(NamedTuple):
    """The clips of one bin: a rectangle and its tooltip."""

    x: str
    y: str
    width: str
    height: str
    title: str


@dataclass(frozen=True, slots=True)
class FramePlot:
    """A plot.

    Attributes:
        height, bottom: height of the plot, and y of its axis.
        bars: the bins.
        ticks: numbers of clips.
        lengths: numbers of frames.
        median, mean: marks on the axis.
    """

    height: float
    bottom: float
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    lengths: tuple[Tick, ...]
    median: Tick
    mean: Tick


def frame_plot(report: dict[str, Any]) -> FramePlot | None:
    """The plot of clips by number of frames; None if no clip has frames."""
    frames = report["frames"]
    start: int = frames["histogram"]["start"]
    width: int = frames["histogram"]["width"]
    counts: list[int] = frames["histogram"]["counts"]
    if not counts:
        return None
    bottom, scale, ticks = _vertical_axis(max(counts), _FRAME_HEIGHT)
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
        ticks=ticks,
        lengths=tuple(Tick(x_of(length), f"{length:,}") for length in lengths),
        median=Tick(x_of(frames["median"]), f"median {frames['median']:g}"),
        mean=Tick(x_of(frames["mean"]), f"mean {frames['mean']:g}"),
    )


def _range(first: int, width: int) -> str:
    return f"{first:,}" if width == 1 else f"{first:,} to {first + width - 1:,}"


@dataclass(frozen=True, slots=True)
class Strip:
    """One point.

    Attributes:
        y, middle: y of its upper edge and of its center.
        name: its index and name; "" if rows are too low for text.
        title: the tooltip.
        quartiles: x of the quartiles; None if it has no scores.
    """

    y: str
    middle: str
    name: str
    title: str
    quartiles: tuple[str, str, str] | None


@dataclass(frozen=True, slots=True)
class ScorePlot:
    """A plot.

    Attributes:
        height, bottom: height of the plot, and y of its axis.
        row: height of a strip.
        left: x of score 0.
        levels: all cells of one intensity as an SVG path, the faintest first.
        strips: the points.
        ticks: scores.
    """

    height: float
    bottom: float
    row: float
    left: float
    levels: tuple[str, ...]
    strips: tuple[Strip, ...]
    ticks: tuple[Tick, ...]


def score_plot(report: dict[str, Any]) -> ScorePlot | None:
    """The plot of scores by point; None if there are no scores."""
    scores = report["scores"]
    if not any(score["count"] for score in scores):
        return None
    row = 18.0 if len(scores) <= 60 else 12.0 if len(scores) <= 140 else 6.0
    left = _NAMES_WIDTH
    across = WIDTH - RIGHT - left
    pieces: list[list[str]] = [[] for _ in range(_LEVELS)]
    strips = []
    for i, score in enumerate(scores):
        y = TOP + i * row
        cell = across / max(1, len(score["histogram"]))
        most = max(score["histogram"], default=0)
        for column, count in enumerate(score["histogram"]):
            if count:
                # The square root keeps a tenth of the maximum visible.
                level = max(1, math.ceil(_LEVELS * math.sqrt(count / most)))
                pieces[level - 1].append(box(left + column * cell, y, cell, row - 1))
        strips.append(_strip(score, y, row, left, across))
    bottom = TOP + len(scores) * row
    return ScorePlot(
        height=bottom + 24,
        bottom=bottom,
        row=row,
        left=left,
        levels=tuple("".join(piece) for piece in pieces),
        strips=tuple(strips),
        ticks=tuple(Tick(left + share * across, f"{share:g}") for share in (0, 0.25, 0.5, 0.75, 1)),
    )


def _strip(score: dict[str, Any], y: float, row: float, left: float, across: float) -> Strip:
    name = f"{score['index']} {score['name']}".strip()
    quartiles = [score["quantiles"].get(key) for key in ("0.25", "0.5", "0.75")]
    if None in quartiles:
        title, marks = f"{name}: no scores", None
    else:
        low, middle, high = (short(left + value * across) for value in quartiles)
        title = f"{name}: median {quartiles[1]:.2f}, half of all from {quartiles[0]:.2f} to {quartiles[2]:.2f}"
        marks = (low, middle, high)
    return Strip(short(y), short(y + (row - 1) / 2), name if row >= 12 else "", title, marks)
