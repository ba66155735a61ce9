"""Scheduler: which worker does which work item. It is independent of pixels and of HTTP.

Items wait in one queue, in the order in which they were submitted. Each CPU worker is a thread that takes one item at
a time. Where there is a GPU, one more worker gives it batches: the items that it takes and that wait, up to its batch
size. Nothing here decides by a clock. Those who submit keep only a few items in the queue at a time, so that a response
of one item does not wait for a response of a thousand.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar


class WorkItem(Protocol):
    """Something to be done by one worker."""

    @property
    def decoded_bytes(self) -> int:
        """Bytes of decoded output."""

    def run(self) -> Any:
        """Do it on the CPU; the result is never None."""


Item = TypeVar("Item", bound=WorkItem)
Given = TypeVar("Given", bound=WorkItem, contravariant=True)


class BatchDevice(Protocol[Given]):
    """A GPU that does batches of work items.

    Attributes:
        name: for metrics.
        batch_bytes: decoded output of a batch, unless it is a single item.
        min_batch_bytes: where less waits, the CPU does it; infinite for a device that is out of use.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def batch_bytes(self) -> int: ...  # noqa: D102
    @property
    def min_batch_bytes(self) -> float: ...  # noqa: D102

    def takes(self, item: Given) -> bool:
        """Whether it can do this item."""

    def run(self, items: Sequence[Given]) -> Sequence[Any]:
        """Do a batch: for each item its result, an Exception, or None where the device declines it."""


@dataclass(frozen=True, slots=True)
class BatchReport:
    """A batch that is done.

    Attributes:
        device: its name, `cpu` for a CPU worker.
        items: how many it did; those that it declined are reported with the batch in which they are done.
        decoded_bytes: bytes of decoded output, of the same items.
    """

    device: str
    items: int
    decoded_bytes: int


@dataclass(slots=True, eq=False)
class _Entry(Generic[Item]):
    """An item in the queue; `for_gpu`: the GPU takes it if enough waits."""

    item: Item
    future: Future[Any]
    for_gpu: bool


class Scheduler(Generic[Item]):
    """A queue of work items, and the workers that do them.

    Args:
        workers: CPU threads, started with the first item.
        gpu: takes batches; None for none.
        on_batch: called after each batch, by the worker that did it.
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
        """Whether a CPU worker has nothing to do."""
        return not self._started or self._idle > 0

    def submit(self, item: Item) -> Future[Any]:
        """Have an item done. To cancel the future takes it out of the queue, or drops its result.

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
        """Cancel what waits; workers end when they have done what they have taken."""
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
            del entry, result  # an idle worker keeps no response in memory

    def _take_one(self) -> _Entry[Item] | None:
        """The next item that the GPU leaves; None once the scheduler is stopped."""
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
                self._changed.notify_all()  # what is left may be too little for another batch
        return batch

    def _gpu_has_enough(self) -> bool:
        if self.gpu is None:
            return False
        waiting = sum(entry.item.decoded_bytes for entry in self._queue if entry.for_gpu)
        return waiting > 0 and waiting >= self.gpu.min_batch_bytes

    def _finish(self, device: str, batch: list[_Entry[Item]], results: list[Any]) -> None:
        """Report a batch and set its futures; what a GPU declined waits again, for the CPU, before all others."""
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
