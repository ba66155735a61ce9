"""Scheduler: assigns work items to workers. It knows neither pixels nor HTTP.

Items wait in one queue, in the order in which they were submitted. Each CPU worker is a thread that takes one item at
a time. If there is a GPU, one more worker gives it batches of waiting items that it can process, up to its batch size.
No decision depends on time. A response submits only a few items at a time, so that a response of one item does not wait
for a response of a thousand.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar


class WorkItem(Protocol):
    """Work for one worker."""

    @property
    def decoded_bytes(self) -> int:
        """Size of the decoded output in bytes."""

    def run(self) -> Any:
        """Process the item on the CPU; the result is never None."""


Item = TypeVar("Item", bound=WorkItem)
Given = TypeVar("Given", bound=WorkItem, contravariant=True)


class BatchDevice(Protocol[Given]):
    """A GPU that processes batches of work items.

    Attributes:
        name: its name in metrics.
        batch_bytes: maximum decoded output of a batch of several items.
        min_batch_bytes: if less is waiting, the CPU processes it; infinite if the device has failed.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def batch_bytes(self) -> int: ...  # noqa: D102
    @property
    def min_batch_bytes(self) -> float: ...  # noqa: D102

    def takes(self, item: Given) -> bool:
        """Whether it can process this item."""

    def run(self, items: Sequence[Given]) -> Sequence[Any]:
        """Process a batch. Return for each item its result, an Exception, or None if the device declines it."""


@dataclass(frozen=True, slots=True)
class BatchReport:
    """A batch that was processed.

    Attributes:
        device: name of the device; `cpu` for a CPU worker.
        items: number of items that were processed; declined items count in the batch that processes them.
        decoded_bytes: size of the decoded output of these items.
    """

    device: str
    items: int
    decoded_bytes: int


@dataclass(slots=True, eq=False)
class _Entry(Generic[Item]):
    """An item in the queue; `for_gpu`: whether the GPU takes it if enough is waiting."""

    item: Item
    future: Future[Any]
    for_gpu: bool


class Scheduler(Generic[Item]):
    """A queue of work items, and the workers that process them.

    Args:
        workers: number of CPU threads, which start with the first item.
        gpu: the GPU that processes batches, if any.
        on_batch: called after each batch, by the worker that processed it.
    """

    def __init__(
        self,
        workers: int,
        gpu: BatchDevice[Item] | None = None,
        on_batch: Callable[[BatchReport], None] = lambda _: None,
    ) -> None:
        self.workers = workers
        self.gpu = gpu
        self._on_batch = on_batch
        self._queue: deque[_Entry[Item]] = deque()
        self._changed = threading.Condition()
        self._idle = 0
        self._started = False
        self._stopped = False

    @property
    def has_idle_worker(self) -> bool:
        """Whether a CPU worker is idle."""
        return not self._started or self._idle > 0

    def submit(self, item: Item) -> Future[Any]:
        """Submit an item. Cancelling the future removes it from the queue, or drops its result.

        Raises:
            RuntimeError: the scheduler is stopped.
        """
        entry = _Entry(item, Future(), self.gpu is not None and self.gpu.takes(item))
        with self._changed:
            if self._stopped:
                raise RuntimeError("the scheduler is stopped")
            self._queue.append(entry)
            if not self._started:
                self._start()
            self._changed.notify_all()
        return entry.future

    def stop(self) -> None:
        """Cancel waiting items; workers end after the items that they have taken."""
        with self._changed:
            self._stopped = True
            waiting = list(self._queue)
            self._queue.clear()
            self._changed.notify_all()
        for entry in waiting:
            entry.future.cancel()

    def _start(self) -> None:
        self._started = True
        targets = [self._work] * self.workers
        if self.gpu is not None:
            targets.append(self._work_gpu)
        for number, target in enumerate(targets):
            threading.Thread(target=target, name=f"render-{number}", daemon=True).start()

    def _work(self) -> None:
        while (entry := self._take_one()) is not None:
            try:
                result: Any = entry.item.run()
            except Exception as error:
                result = error
            self._finish("cpu", [entry], [result])
            del entry, result  # an idle worker must not keep a response in memory

    def _take_one(self) -> _Entry[Item] | None:
        """The next item that the GPU does not take; None once the scheduler is stopped."""
        with self._changed:
            self._idle += 1
            while not self._stopped:
                left_to_gpu = self._gpu_has_enough()
                for place, entry in enumerate(self._queue):
                    if not (left_to_gpu and entry.for_gpu):
                        del self._queue[place]
                        if entry.future.cancelled():
                            break
                        self._idle -= 1
                        return entry
                else:
                    self._changed.wait()
            return None

    def _work_gpu(self) -> None:
        gpu = self.gpu
        assert gpu is not None  # noqa: S101  # it is started only then
        while batch := self._take_batch(gpu):
            try:
                results = list(gpu.run([entry.item for entry in batch]))
                if len(results) != len(batch):
                    raise RuntimeError(f"{gpu.name} returned {len(results)} results for {len(batch)} items")
            except Exception as error:
                results = [error] * len(batch)
            self._finish(gpu.name, batch, results)
            del batch, results

    def _take_batch(self, gpu: BatchDevice[Item]) -> list[_Entry[Item]]:
        """The next batch; empty once the scheduler is stopped."""
        batch: list[_Entry[Item]] = []
        size = 0
        with self._changed:
            while not (batch or self._stopped):
                if not self._gpu_has_enough():
                    self._changed.wait()
                    continue
                rest: deque[_Entry[Item]] = deque()
                for entry in self._queue:
                    if not entry.for_gpu or (batch and size + entry.item.decoded_bytes > gpu.batch_bytes):
                        rest.append(entry)
                    elif not entry.future.cancelled():
                        batch.append(entry)
                        size += entry.item.decoded_bytes
                self._queue = rest
                self._changed.notify_all()  # the rest may be too little for another batch
        return batch

    def _gpu_has_enough(self) -> bool:
        if self.gpu is None:
            return False
        waiting = sum(entry.item.decoded_bytes for entry in self._queue if entry.for_gpu)
        return waiting > 0 and waiting >= self.gpu.min_batch_bytes

    def _finish(self, device: str, batch: list[_Entry[Item]], results: list[Any]) -> None:
        """Report a batch and set its futures. Items that a GPU declined are queued again first, for the CPU."""
        done = [entry for entry, result in zip(batch, results, strict=True) if result is not None]
        self._on_batch(BatchReport(device, len(done), sum(entry.item.decoded_bytes for entry in done)))
        declined = []
        for entry, result in zip(batch, results, strict=True):
            if result is None:
                entry.for_gpu = False
                declined.append(entry)
            elif not entry.future.set_running_or_notify_cancel():
                continue
            elif isinstance(result, Exception):
                entry.future.set_exception(result)
            else:
                entry.future.set_result(result)
        if declined:
            with self._changed:
                self._queue.extendleft(reversed(declined))
                self._changed.notify_all()
