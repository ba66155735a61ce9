"""Lanes: what draws the answers of one process."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from time import perf_counter

from heatsvc.api.metrics import Metrics
from heatsvc.api.problems import busy
from heatsvc.draw.batcher import Batcher, FullError, Ran
from heatsvc.encode.body import Body
from heatsvc.encode.codings import Piece
from heatsvc.encode.devices import CpuDevice
from heatsvc.encode.errand import Errand
from heatsvc.encode.layout import Layout
from heatsvc.encode.stretch import Stretch
from heatsvc.settings import Settings


class Lanes:
    """CPU threads, and what waits for them."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._pool = ThreadPoolExecutor(settings.threads, "lane")
        self._batcher: Batcher[Stretch, Piece] = Batcher(
            [CpuDevice(settings.threads)], self._start, settings.max_queue_bytes, self._count
        )
        metrics.queued = lambda: self._batcher.waiting

    def write(self, layout: Layout, errand: Errand) -> Body:
        """Draw a small answer here and now: a batch of its own, on a lane that is always free.

        It overtakes what waits. To hand it over takes longer than to draw it, and whoever waits for a lane is kept
        from it no longer than by any other work of the event loop.
        """
        started = perf_counter()
        body = layout.write(errand)
        seconds = perf_counter() - started
        self._metrics.count_batch("cpu", len(layout.drawings), layout.size, seconds, (0.0,))
        return body

    def submit(self, layout: Layout, errand: Errand) -> Future[Body]:
        """Have an answer drawn in batches. To cancel the future takes it out of the queue.

        Raises:
            RequestError: 503, more waits than may.
        """
        try:
            return self._batcher.submit(layout.stretches(errand), layout.finish)
        except FullError as error:
            raise busy(
                f"{error.limit:,} bytes of heatmaps wait to be drawn already (setting HEATSVC_MAX_QUEUE_BYTES)",
                retry_after=5,
            ) from None

    def stop(self) -> None:
        """Draw nothing more that waits."""
        self._batcher.stop()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _start(self, step: Callable[[], bool]) -> None:
        self._pool.submit(_go_on, step)

    def _count(self, ran: Ran) -> None:
        self._metrics.count_batch(ran.device, ran.tasks, ran.cost, ran.seconds, ran.waits)


def _go_on(step: Callable[[], bool]) -> None:
    while step():
        pass
