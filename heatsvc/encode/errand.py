"""Errand: one answer on its way. Whether anybody still waits for it, and what it took so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from heatsvc.cancel import NEVER_CANCELLED, CancelToken


@dataclass(frozen=True, slots=True)
class Errand:
    """What all who draw for an answer share.

    Attributes:
        token: asked before each piece, ends the work at a deadline or when the client disconnects.
        spent: seconds of drawing and of coding of each piece so far, in no order (threads add to it).
    """

    token: CancelToken = NEVER_CANCELLED
    spent: list[tuple[float, float]] = field(default_factory=list)

    @property
    def seconds(self) -> tuple[float, float]:
        """Seconds of drawing and of coding, of all threads."""
        drawing = coding = 0.0
        for draw, code in self.spent:
            drawing += draw
            coding += code
        return drawing, coding
