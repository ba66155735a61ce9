"""Crew: who draws and codes the pieces of one answer, and whether anybody still waits for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TypeVar

from heatsvc.draw.cpu import go_on

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Crew:
    """The calling thread, or a pool of threads beside it.

    Attributes:
        pool: draws pieces at the same time; None draws them one after the other, here.
        check: called before each piece; raises what should end the work (a deadline, a client that hung up).
        spent: seconds of drawing and of coding of each piece so far, in no order (threads add to it).
    """

    pool: Executor | None = None
    check: Callable[[], None] = go_on
    spent: list[tuple[float, float]] = field(default_factory=list)

    @property
    def seconds(self) -> tuple[float, float]:
        """Seconds of drawing and of coding, of all threads."""
        return sum(draw for draw, _ in self.spent), sum(code for _, code in self.spent)

    def map(self, work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """`work` of each item, in their order. What `check` or an item raises ends the rest."""

        def checked(item: Item) -> Result:
            self.check()
            return work(item)

        if self.pool is None or len(items) < 2:
            return [checked(item) for item in items]
        return _all(self.pool.submit(checked, item).result for item in items)


def _all(results: Iterable[Callable[[], Result]]) -> list[Result]:
    waiting = list(results)
    return [result() for result in waiting]
