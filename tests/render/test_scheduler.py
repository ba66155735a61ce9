"""The scheduler: which worker does which item."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from heatsvc.render.scheduler import BatchReport, Scheduler

WAIT = 30


@dataclass(eq=False)
class Item:
    """Returns its name on the CPU, when it may."""

    name: str
    decoded_bytes: int = 10
    gate: threading.Event = field(default_factory=threading.Event)
    started: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None

    def run(self) -> Any:
        self.started.set()
        assert self.gate.wait(WAIT)
        if self.error:
            raise self.error
        return f"{self.name} on cpu"


def opened(name: str, decoded_bytes: int = 10, error: Exception | None = None) -> Item:
    item = Item(name, decoded_bytes, error=error)
    item.gate.set()
    return item


@dataclass
class Gpu:
    """Records its batches."""

    name: str = "gpu"
    batch_bytes: int = 100
    min_batch_bytes: float = 0
    declines: Sequence[str] = ()
    batches: list[list[str]] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    results: Callable[[list[Any]], list[Any]] = lambda results: results

    def takes(self, item: Item) -> bool:
        return not item.name.startswith("cpu")

    def run(self, items: Sequence[Item]) -> list[Any]:
        self.batches.append([item.name for item in items])
        assert self.gate.wait(WAIT)
        return self.results([None if item.name in self.declines else f"{item.name} on gpu" for item in items])


@contextmanager
def scheduler(workers: int, gpu: Gpu | None = None, reports: list[BatchReport] | None = None) -> Iterator[Scheduler]:
    made: Scheduler[Item] = Scheduler(
        workers, gpu, lambda report: reports.append(report) if reports is not None else None
    )
    try:
        yield made
    finally:
        made.stop()


def test_items_are_done_in_the_order_in_which_they_were_submitted():
    reports: list[BatchReport] = []
    with scheduler(1, reports=reports) as made:
        futures = [made.submit(opened(str(number), decoded_bytes=number)) for number in range(20)]
        assert [future.result(WAIT) for future in futures] == [f"{number} on cpu" for number in range(20)]
    assert [report.decoded_bytes for report in reports] == list(range(20))


def test_workers_work_at_the_same_time():
    with scheduler(2) as made:
        first, second, third = Item("first"), Item("second"), opened("third")
        futures = [made.submit(item) for item in (first, second, third)]
        assert first.started.wait(WAIT)
        assert second.started.wait(WAIT)
        assert not third.started.is_set()
        first.gate.set()
        assert futures[2].result(WAIT) == "third on cpu"
        second.gate.set()


def test_an_error_ends_its_own_item_alone():
    with scheduler(1) as made:
        futures = [made.submit(opened("wrong", error=ValueError("wrong"))), made.submit(opened("right"))]
        with pytest.raises(ValueError, match="wrong"):
            futures[0].result(WAIT)
        assert futures[1].result(WAIT) == "right on cpu"


def test_a_cancelled_item_is_not_begun():
    with scheduler(1) as made:
        first, second, third = Item("first"), opened("second"), opened("third")
        futures = [made.submit(item) for item in (first, second, third)]
        assert first.started.wait(WAIT)
        assert futures[1].cancel()
        first.gate.set()
        assert futures[2].result(WAIT) == "third on cpu"
        assert not second.started.is_set()


def test_the_result_of_an_item_that_is_cancelled_while_it_is_done_is_dropped():
    with scheduler(1) as made:
        first = Item("first")
        future = made.submit(first)
        assert first.started.wait(WAIT)
        assert future.cancel()
        first.gate.set()
        assert made.submit(opened("second")).result(WAIT) == "second on cpu"


def test_stop_cancels_what_waits():
    with scheduler(1) as made:
        first, second = Item("first"), opened("second")
        futures = [made.submit(item) for item in (first, second)]
        assert first.started.wait(WAIT)
        made.stop()
        with pytest.raises(CancelledError):
            futures[1].result(WAIT)
        with pytest.raises(RuntimeError, match="stopped"):
            made.submit(opened("third"))
        first.gate.set()
        assert futures[0].result(WAIT) == "first on cpu"


def test_batches_are_reported():
    reports: list[BatchReport] = []
    with scheduler(1, reports=reports) as made:
        made.submit(opened("first", decoded_bytes=7)).result(WAIT)
        made.submit(opened("second", decoded_bytes=8)).result(WAIT)
    assert [(report.device, report.items, report.decoded_bytes) for report in reports] == [("cpu", 1, 7), ("cpu", 1, 8)]


def test_what_waits_for_a_gpu_is_its_next_batch_up_to_its_size():
    gpu = Gpu(batch_bytes=30)
    with scheduler(1, gpu) as made:
        futures = [made.submit(opened("first"))]
        wait_for(lambda: gpu.batches == [["first"]])
        futures += [made.submit(opened(name)) for name in ("a", "b", "c", "d")]
        gpu.gate.set()
        assert [future.result(WAIT) for future in futures] == [
            f"{name} on gpu" for name in ("first", "a", "b", "c", "d")
        ]
    assert gpu.batches == [["first"], ["a", "b", "c"], ["d"]]


def test_an_item_larger_than_a_batch_is_one_by_itself():
    gpu = Gpu(batch_bytes=30)
    gpu.gate.set()
    with scheduler(1, gpu) as made:
        assert made.submit(opened("large", decoded_bytes=1000)).result(WAIT) == "large on gpu"


def test_what_the_gpu_does_not_take_is_done_by_the_cpu():
    gpu = Gpu()
    with scheduler(1, gpu) as made:
        assert made.submit(opened("cpu only")).result(WAIT) == "cpu only on cpu"
    assert gpu.batches == []


def test_too_little_for_the_gpu_is_done_by_the_cpu():
    gpu = Gpu(min_batch_bytes=100)
    gpu.gate.set()
    with scheduler(1, gpu) as made:
        assert made.submit(opened("small", decoded_bytes=99)).result(WAIT) == "small on cpu"
        assert made.submit(opened("large", decoded_bytes=100)).result(WAIT) == "large on gpu"


def test_small_items_become_a_batch_while_the_cpu_works():
    gpu = Gpu(min_batch_bytes=20)
    gpu.gate.set()
    with scheduler(1, gpu) as made:
        busy = Item("cpu is busy")
        first = made.submit(busy)
        assert busy.started.wait(WAIT)
        futures = [made.submit(opened("a")), made.submit(opened("b"))]
        assert [future.result(WAIT) for future in futures] == ["a on gpu", "b on gpu"]
        busy.gate.set()
        first.result(WAIT)
    assert gpu.batches == [["a", "b"]]


def test_what_the_gpu_declines_is_done_by_the_cpu():
    gpu = Gpu(declines=("b",))
    with scheduler(1, gpu) as made:
        first = made.submit(opened("first"))
        wait_for(lambda: gpu.batches == [["first"]])
        futures = [made.submit(opened(name)) for name in "abc"]
        gpu.gate.set()
        assert [future.result(WAIT) for future in [first, *futures]] == [
            "first on gpu", "a on gpu", "b on cpu", "c on gpu",
        ]  # fmt: skip


def test_a_gpu_that_raises_fails_its_batch():
    def fail(results: list[Any]) -> list[Any]:
        raise ValueError("no")

    gpu = Gpu(results=fail)
    gpu.gate.set()
    with scheduler(1, gpu) as made, pytest.raises(ValueError, match="no"):
        made.submit(opened("a")).result(WAIT)


def test_a_gpu_that_loses_results_fails_its_batch():
    gpu = Gpu(results=lambda results: results[1:])
    gpu.gate.set()
    with scheduler(1, gpu) as made, pytest.raises(RuntimeError, match="0 results for 1 items"):
        made.submit(opened("a")).result(WAIT)


def test_cancelled_items_are_in_no_batch():
    gpu = Gpu()
    with scheduler(1, gpu) as made:
        first = made.submit(opened("first"))
        wait_for(lambda: gpu.batches == [["first"]])
        futures = [made.submit(opened(name)) for name in "ab"]
        futures[0].cancel()
        gpu.gate.set()
        first.result(WAIT)
        assert futures[1].result(WAIT) == "b on gpu"
    assert gpu.batches == [["first"], ["b"]]


def wait_for(condition: Callable[[], bool]) -> None:
    """Until something is so, which other threads see to."""
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)
