"""Clips by class: a column each, stacked by split, the largest first."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any

from heatsvc.annotation.report.plots.axis import LEFT, RIGHT, TOP, WIDTH, Tick, box, round_steps, short

_HEIGHT = 220.0
_MOST = 600
_MOST_LABELLED = 60
_LABEL_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Column:
    """One class: its place for the pointer, its label, and what is told of it.

    Attributes:
        x, width: of the whole slot.
        label: below it; "" where there are too many to write them.
        title: label and clips by split.
    """

    x: str
    width: str
    label: str
    title: str


@dataclass(frozen=True, slots=True)
class ClassPlot:
    """The plot.

    Attributes:
        height, bottom: of the picture, and of its axis.
        paths: by split the columns' parts.
        columns: the classes shown.
        ticks: numbers of clips.
        left_out: classes that found no room.
    """

    height: float
    bottom: float
    paths: tuple[str, ...]
    columns: tuple[Column, ...]
    ticks: tuple[Tick, ...]
    left_out: int


def class_plot(report: dict[str, Any]) -> ClassPlot | None:
    """The plot of a report; None where there are no classes or no clips."""
    splits = [split["name"] for split in report["splits"]]
    classes = sorted(report["classes"], key=lambda row: -sum(row["clips"].values()))
    if not classes or not any(classes[0]["clips"].values()):
        return None
    shown = classes[:_MOST]
    steps = round_steps(sum(shown[0]["clips"].values()), 4)
    bottom, scale = TOP + _HEIGHT, _HEIGHT / steps[-1]
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
        label = _cut(row["label"]) if len(shown) <= _MOST_LABELLED else ""
        told = ", ".join(f"{split} {row['clips'].get(split, 0)}" for split in splits)
        columns.append(Column(short(x), short(slot), label, f"{row['label']}: {told}"))
    return ClassPlot(
        height=bottom + 14 + max(_fall(column.label) for column in columns),
        bottom=bottom,
        paths=tuple("".join(piece) for piece in pieces),
        columns=tuple(columns),
        ticks=tuple(Tick(bottom - step * scale, f"{step:,}") for step in steps),
        left_out=len(classes) - len(shown),
    )


def _cut(label: str) -> str:
    return label if len(label) <= _LABEL_LENGTH else label[: _LABEL_LENGTH - 1] + "…"


def _fall(label: str) -> float:
    """How far a label reaches down that is written at 45 degrees; Korean letters are about twice as wide as Latin."""
    return sum(8.5 if unicodedata.east_asian_width(letter) in "WF" else 5.0 for letter in label)
