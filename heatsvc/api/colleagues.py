"""Colleagues: what a serving process has in common with the others of its service."""

from __future__ import annotations

from dataclasses import dataclass

from heatsvc.api.board import Seat
from heatsvc.api.turn import Turn
from heatsvc.jobs.supervisor import Builders


@dataclass(frozen=True, slots=True)
class Colleagues:
    """The other processes, as one of them sees them.

    Attributes:
        seat: its own among theirs, taken.
        builders: who starts the workers that build for all of them; None: these run elsewhere.
        turn: to measure the GPU, which is theirs too.
    """

    seat: Seat
    builders: Builders | None
    turn: Turn
