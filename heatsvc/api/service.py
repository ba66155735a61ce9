"""Service: what the routes of one process share."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np
from starlette.requests import Request

from heatsvc.api.colleagues import Colleagues
from heatsvc.api.lanes import Lanes
from heatsvc.api.limits import Places
from heatsvc.api.metrics import Metrics
from heatsvc.api.problems import busy
from heatsvc.api.watch import Watch, look
from heatsvc.bounds import DEFAULT_BOUNDS
from heatsvc.encode.codings import CODINGS
from heatsvc.encode.drawing import Drawing
from heatsvc.encode.errand import Errand
from heatsvc.encode.formats import FORMS
from heatsvc.jobs.builds import Builds
from heatsvc.pose.readers.json_numbers import load_kernels as load_json_number_kernels
from heatsvc.settings import Settings
from heatsvc.volume import HeatmapVolume, Potion

Result = TypeVar("Result")

# Containers made before the collector looks for cycles: a clip in JSON is a thousand lists, and no cycle.
_COLLECT_AFTER = (200_000, 20, 100)
# Beside one for each upload.
_DISK_THREADS = 4


class Service:
    """Settings, threads, counters, and whether the compiled loops are there.

    Attributes:
        settings: in force.
        metrics: what `GET /metrics` tells.
        warm_seconds: how long the loops took to compile or load; None until they are there.
        failure: what kept them from it.
        lanes: what draws.
        uploads: places for requests that send files to disk.
        watchers: places for requests that wait for builds, or fetch their files.
        builds: what is built, elsewhere.
        watch: what is seen of builds that somebody waits for.
    """

    def __init__(self, settings: Settings, colleagues: Colleagues | None = None) -> None:
        self.settings = settings
        self.metrics = Metrics(colleagues.seat if colleagues else None)
        self.warm_seconds: float | None = None
        self.failure: str | None = None
        self._alone = colleagues.turn.taken if colleagues else nullcontext
        # These read and describe; what draws has threads of its own.
        self._requests = ThreadPoolExecutor(settings.threads, "request")
        self.lanes = Lanes(settings, self.metrics)
        # What waits for a disk must not keep a thread from those that draw.
        self._disk = ThreadPoolExecutor(settings.max_uploads + _DISK_THREADS, "disk")
        self.uploads = Places("HEATSVC_MAX_UPLOADS", settings.max_uploads)
        self.watchers = Places("HEATSVC_MAX_WATCHERS", settings.max_watchers)
        self.builds = Builds(
            settings.data_dir,
            settings.database_url.get_secret_value() if settings.database_url else None,
            datasets_dir=settings.datasets_dir,
            workers=0 if colleagues else settings.build_workers,
            environment=settings.worker_environment(),
            builders=colleagues.builders if colleagues else None,
        )
        self.watch = Watch(lambda build, before: self.on_disk(partial(look, self.builds.folder(build), before)))

    def start(self) -> None:
        """Compile or load the loops in a thread of its own, so that `GET /health/live` answers meanwhile.

        Then builds go on that an earlier service left unfinished.
        """
        threading.Thread(target=self._warm, name="warm", daemon=True).start()

    def stop(self) -> None:
        """Take no more work; builds under way are left to the next service, or to workers elsewhere."""
        self._requests.shutdown(wait=False, cancel_futures=True)
        self._disk.shutdown(wait=False, cancel_futures=True)
        self.lanes.stop()
        self.builds.stop()
        self.metrics.publish()

    def _warm(self) -> None:
        started = time.monotonic()
        try:
            warm()
            self.lanes.choose(self._alone)
        except Exception as error:
            self.failure = f"{type(error).__name__}: {error}"
            raise
        # What is there now stays: the collector need not go through a few hundred thousand objects again each time
        # that some requests' lists of numbers have made it run.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_COLLECT_AFTER)
        self.warm_seconds = time.monotonic() - started
        self.builds.start()

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

    def on_disk(self, work: Callable[[], Result]) -> asyncio.Future[Result]:
        """Have a thread do it that may wait for a disk, or for a database."""
        return asyncio.get_running_loop().run_in_executor(self._disk, work)

    @property
    def in_flight(self) -> int:
        """Requests being answered that should be over soon."""
        return self.metrics.in_flight - self.uploads.taken - self.watchers.taken


def warm() -> None:
    """Draw a point and a limb in every form and coding: compiles the loops, or loads them from numba's cache."""
    load_json_number_kernels()
    keypoint = np.array([[[[1, 1], [5, 5]]]], np.float32)
    limbs = np.array([[0, 1]], np.int32)
    volume = HeatmapVolume(keypoint, np.ones((1, 1, 2), np.float32), 8, 8, limbs=limbs)
    for drawn in (volume, replace(volume, reduce="argmax"), replace(volume, potion=Potion(2))):
        for form in FORMS.values():
            for coding in CODINGS.values():
                form.layout([Drawing.of("warm", drawn, "float32")], coding, DEFAULT_BOUNDS).write(Errand())


def service_of(request: Request) -> Service:
    """The service that a request came to."""
    service: Service = request.scope["app"].service
    return service
