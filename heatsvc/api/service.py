"""Service: what the routes of one process share."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar, cast

import numpy as np
from starlette.requests import Request

from heatsvc.api.metrics import Metrics
from heatsvc.api.problems import busy
from heatsvc.bounds import DEFAULT_BOUNDS
from heatsvc.encode.codings import CODINGS
from heatsvc.encode.crew import Crew
from heatsvc.encode.drawing import Drawing
from heatsvc.encode.forms import FORMS
from heatsvc.settings import Settings
from heatsvc.volume import HeatmapVolume, Potion

Result = TypeVar("Result")

# Containers made before the collector looks for cycles: a clip in JSON is a thousand lists, and no cycle.
_COLLECT_AFTER = (200_000, 20, 100)


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
        self.pieces = ThreadPoolExecutor(settings.threads, "piece") if settings.threads > 1 else None

    def start(self) -> None:
        """Compile or load the loops in a thread of its own, so that `GET /health/live` answers meanwhile."""
        threading.Thread(target=self._warm, name="warm", daemon=True).start()

    def stop(self) -> None:
        """Take no more work."""
        self._requests.shutdown(wait=False, cancel_futures=True)
        if self.pieces:
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
        gc.set_threshold(*_COLLECT_AFTER)
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
    """Draw a point and a limb in every form and coding: compiles the loops, or loads them from numba's cache."""
    keypoint = np.array([[[[1, 1], [5, 5]]]], np.float32)
    limbs = np.array([[0, 1]], np.int32)
    volume = HeatmapVolume(keypoint, np.ones((1, 1, 2), np.float32), 8, 8, limbs=limbs)
    for drawn in (volume, replace(volume, reduce="argmax"), replace(volume, potion=Potion(2))):
        for form in FORMS.values():
            for coding in CODINGS.values():
                form.write([Drawing.of("warm", drawn, "float32")], coding, Crew(), DEFAULT_BOUNDS)


def service_of(request: Request) -> Service:
    """The service that a request came to."""
    return cast(Service, request.app.state.service)
