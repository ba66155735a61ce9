"""Axis: round numbers along a side of a plot."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

WIDTH = 1000.0
"""Width of every plot, in its own units."""
LEFT, RIGHT, TOP = 56.0, 12.0, 10.0
"""Margins: labels of the vertical axis stand in the left one."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where, and what is written there."""

    at: float
    text: str


def round_steps(most: float, wanted: int) -> list[int]:
    """0 and the multiples of 1, 2 or 5 times a power of ten, up to the first that is not below `most`."""
    sizes = (step * 10**power for power in itertools.count() for step in (1, 2, 5))
    size = next(size for size in sizes if most <= size * wanted)
    return [size * i for i in range(max(1, -(-int(most) // size)) + 1)]


def short(number: float) -> str:
    """A coordinate with one decimal at most."""
    return f"{round(number, 1):g}"


def box(x: float, y: float, width: float, height: float) -> str:
    """A rectangle as a piece of an SVG path."""
    return f"M{short(x)} {short(y)}h{short(width)}v{short(height)}h{short(-width)}z"
