"""Scores by point: a strip each, the stronger its colour the more scores are there, with quartiles over it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from heatsvc.annotation.report.plots.axis import RIGHT, TOP, WIDTH, Tick, box, short

LEVELS = 8
_NAMES = 150.0


@dataclass(frozen=True, slots=True)
class Strip:
    """One point.

    Attributes:
        y, middle: its upper edge and its middle.
        name: its position and name; "" where rows are too low for text.
        title: what is told of it.
        quartiles: x of the quarters, None where it has no scores.
    """

    y: str
    middle: str
    name: str
    title: str
    quartiles: tuple[str, str, str] | None


@dataclass(frozen=True, slots=True)
class ScorePlot:
    """The plot.

    Attributes:
        height, bottom: of the picture, and of its axis.
        row: height of a strip.
        left, right: where scores 0 and 1 stand.
        levels: all cells of one strength as a path, the faintest first.
        strips: the points.
        ticks: scores.
    """

    height: float
    bottom: float
    row: float
    left: float
    right: float
    levels: tuple[str, ...]
    strips: tuple[Strip, ...]
    ticks: tuple[Tick, ...]


def score_plot(report: dict[str, Any]) -> ScorePlot | None:
    """The plot of a report; None where there are no scores."""
    scores = report["scores"]
    if not any(score["count"] for score in scores):
        return None
    row = 18.0 if len(scores) <= 60 else 12.0 if len(scores) <= 140 else 6.0
    left, right = _NAMES, WIDTH - RIGHT
    across = right - left
    pieces: list[list[str]] = [[] for _ in range(LEVELS)]
    strips = []
    for i, score in enumerate(scores):
        y = TOP + i * row
        cell = across / max(1, len(score["histogram"]))
        most = max(score["histogram"], default=0)
        for column, count in enumerate(score["histogram"]):
            if count:
                # The root: a tenth of the most is still to be seen.
                level = max(1, math.ceil(LEVELS * math.sqrt(count / most)))
                pieces[level - 1].append(box(left + column * cell, y, cell, row - 1))
        strips.append(_strip(score, y, row, left, across))
    bottom = TOP + len(scores) * row
    return ScorePlot(
        height=bottom + 24,
        bottom=bottom,
        row=row,
        left=left,
        right=right,
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
