"""Errand: one answer on its way. Whether anybody still waits for it, and what it took so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from heatsvc.bounds import go_on


@dataclass(frozen=True, slots=True)
class Errand:
    """What all who draw for an answer share.

    Attributes:
        check: called before each piece; raises what should end the work (a deadline, a client that hung up).
        spent: seconds of drawing and of coding of each piece so far, in no order (threads add to it).
    """

    check: Callable[[], None] = go_on
    spent: list[tuple[float, float]] = field(default_factory=list)

    @property
    def seconds(self) -> tuple[float, float]:
        """Seconds of drawing and of coding, of all threads."""
        drawing = coding = 0.0
        for draw, code in self.spent:
            drawing += draw
            coding += code
        return drawing, coding
