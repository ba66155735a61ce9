"""Crew: who draws and codes the pieces of one answer, and whether anybody still waits for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TypeVar

from heatsvc.bounds import go_on

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Crew:
    """The calling thread, or a pool of threads beside it.

    Attributes:
        pool: draws pieces at the same time; None draws them one after the other, here.
        threads: how many of the pool's threads share the work.
        check: called before each piece; raises what should end the work (a deadline, a client that hung up).
        spent: seconds of drawing and of coding of each piece so far, in no order (threads add to it).
    """

    pool: Executor | None = None
    threads: int = 1
    check: Callable[[], None] = go_on
    spent: list[tuple[float, float]] = field(default_factory=list)

    @property
    def seconds(self) -> tuple[float, float]:
        """Seconds of drawing and of coding, of all threads."""
        return sum(draw for draw, _ in self.spent), sum(code for _, code in self.spent)

    def map(self, work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """`work` of each item, in their order. What `check` or an item raises ends the rest."""
        if self.pool is None or len(items) < 2:
            return [self._checked(work, item) for item in items]
        results: dict[int, Result] = {}
        waiting = iter(enumerate(items))  # which the threads share: to take the next one is a single step of the lock

        def take() -> None:
            try:
                for place, item in waiting:
                    results[place] = self._checked(work, item)
            except BaseException:
                for _ in waiting:  # nobody needs the rest
                    pass
                raise

        # A task a thread, not a task an item: to hand a small one over and back takes as long as to do it.
        for share in [self.pool.submit(take) for _ in range(min(self.threads, len(items)))]:
            share.result()
        return [results[place] for place in range(len(items))]

    def _checked(self, work: Callable[[Item], Result], item: Item) -> Result:
        self.check()
        return work(item)
