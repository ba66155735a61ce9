"""The crew: who does the pieces, in which order they come back, and how they end."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from heatsvc.encode.crew import Crew


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_the_order_of_the_items(threads: int) -> None:
    with ThreadPoolExecutor(threads) as pool:
        assert Crew(pool, threads).map(lambda item: item * item, range(200)) == [item * item for item in range(200)]


def test_threads_share_the_items() -> None:
    both = threading.Barrier(2, timeout=10)

    def meet(item: int) -> int:
        both.wait()  # passes only where two items are worked on at once
        return item

    with ThreadPoolExecutor(2) as pool:
        assert Crew(pool, 2).map(meet, [1, 2]) == [1, 2]


def test_an_item_that_raises_ends_the_rest() -> None:
    done = []

    def work(item: int) -> None:
        if item == 3:
            raise KeyError(item)
        done.append(item)

    with ThreadPoolExecutor(2) as pool, pytest.raises(KeyError):
        Crew(pool, 2).map(work, range(100_000))
    assert len(done) < 100_000 - 1


def test_without_a_pool_the_work_is_done_here() -> None:
    here = threading.get_ident()
    assert Crew().map(lambda _: threading.get_ident(), [1, 2, 3]) == [here] * 3
