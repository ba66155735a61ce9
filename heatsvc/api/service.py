"""Service: what the routes of one process share."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, cast

from starlette.requests import Request

from heatsvc.api.metrics import Metrics
from heatsvc.api.problems import busy
from heatsvc.settings import Settings

Result = TypeVar("Result")


class Service:
    """Settings, threads, counters, and whether the compiled loops are there.

    Attributes:
        settings: in force.
        metrics: what `GET /metrics` tells.
        warm_seconds: how long the loops took to compile or load; None until they are there.
        failure: what kept them from it.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.warm_seconds: float | None = None
        self.failure: str | None = None
        # One pool takes whole requests, the other pieces of them: in a single one, requests that wait for their
        # pieces would take all threads, and the pieces none.
        self._requests = ThreadPoolExecutor(settings.threads, "request")
        self.pieces = ThreadPoolExecutor(settings.threads, "piece")

    def start(self) -> None:
        """Compile or load the loops in a thread of its own, so that `GET /health/live` answers meanwhile."""
        threading.Thread(target=self._warm, name="warm", daemon=True).start()

    def stop(self) -> None:
        """Take no more work."""
        self._requests.shutdown(wait=False, cancel_futures=True)
        self.pieces.shutdown(wait=False, cancel_futures=True)

    def _warm(self) -> None:
        started = time.monotonic()
        try:
            warm()
        except Exception as error:
            self.failure = f"{type(error).__name__}: {error}"
            raise
        # What is there now stays: the collector need not go through a few hundred thousand objects again each time
        # that some requests' lists of numbers have made it run.
        gc.collect()
        gc.freeze()
        self.warm_seconds = time.monotonic() - started

    def check_ready(self) -> None:
        """Raise 503 while the loops are being compiled."""
        if self.warm_seconds is None:
            raise busy("the service is compiling its loops, which takes some seconds once", retry_after=5)

    def in_thread(self, work: Callable[[], Result]) -> asyncio.Future[Result]:
        """Have a thread do it."""
        metrics = self.metrics

        def counted() -> Result:
            with metrics.lock:
                metrics.waiting -= 1
            return work()

        with metrics.lock:
            metrics.waiting += 1
        return asyncio.get_running_loop().run_in_executor(self._requests, counted)


def warm() -> None:
    """Compile the loops of drawing and coding, or load them from numba's cache."""
    from heatsvc.draw.cpu import kernels, run_loops
    from heatsvc.encode.codings import load_loops

    kernels()
    run_loops()
    load_loops()


def service_of(request: Request) -> Service:
    """The service that a request came to."""
    return cast(Service, request.app.state.service)
