"""Colleagues: what a serving process has in common with the others of its service."""

from __future__ import annotations

from dataclasses import dataclass

from heatsvc.api.board import Seat
from heatsvc.api.turn import Turn


@dataclass(frozen=True, slots=True)
class Colleagues:
    """The other processes, as one of them sees them.

    Attributes:
        seat: its own among theirs, taken.
        turn: to measure the GPU, which is theirs too.
    """

    seat: Seat
    turn: Turn
