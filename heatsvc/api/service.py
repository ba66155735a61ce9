"""Service: the threads, budgets and renderer that the routes of one process share."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from starlette.requests import Request

from heatsvc.api.build_poller import BuildPoller, read_build_state
from heatsvc.api.limits import ConcurrencyLimit, SharedBudget
from heatsvc.api.memory import return_freed_memory
from heatsvc.api.problems import busy
from heatsvc.api.renderer import Renderer
from heatsvc.jobs.builds import Builds
from heatsvc.jobs.data_directory import data_directory_errors
from heatsvc.settings import Settings

Result = TypeVar("Result")

# Objects allocated before garbage is collected: a refused request leaves reference cycles that hold its body.
_COLLECT_AFTER = (5_000, 10, 10)
# Seconds between switches of Python threads: the event loop waits so long when another thread computes.
_SWITCH_SECONDS = 0.5e-3
# How often to check whether memory should be returned to the system: after a peak of at least the first number of
# bytes in the budgets, when at most the second number is in use.
_RETURN_SECONDS = 5.0
_LARGE_PEAK_BYTES, _QUIET_BYTES = 64 << 20, 1 << 20
# Threads for the disk, in addition to one for each upload.
_DISK_THREADS = 4


class Service:
    """Settings, threads, memory budgets, and whether requests can be processed.

    Attributes:
        settings: the settings of the service.
        is_ready: whether the rendering device is selected.
        failure: why no device could be selected; None if one was.
        renderer: renders responses.
        compute_slots: slots for requests that are parsed and planned in a thread.
        body_memory, working_memory: budgets in bytes for receiving bodies, and for parsing and planning them.
        uploads: slots for requests that are saved to disk.
        watchers: slots for requests that wait for builds or download their files.
        builds: the builds of datasets.
        poller: reads the state of builds that clients wait for.
        stopping: set when the server begins to stop, so that event streams end.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.is_ready = False
        self.failure: str | None = None
        self.stopping = asyncio.Event()
        wait = settings.admission_seconds
        self.compute_slots = SharedBudget(settings.compute_slots, "HEATSVC_COMPUTE_SLOTS", wait)
        self.body_memory = SharedBudget(settings.body_memory_bytes, "HEATSVC_BODY_MEMORY_BYTES", wait)
        self.working_memory = SharedBudget(settings.working_memory_bytes, "HEATSVC_WORKING_MEMORY_BYTES", wait)
        self.renderer = Renderer(settings)
        self._compute = ThreadPoolExecutor(settings.threads, "compute")
        # Threads of their own, since work that waits for the disk must not occupy a thread that could compute.
        self._disk = ThreadPoolExecutor(settings.max_uploads + _DISK_THREADS, "disk")
        self.uploads = ConcurrencyLimit("HEATSVC_MAX_UPLOADS", settings.max_uploads)
        self.watchers = ConcurrencyLimit("HEATSVC_MAX_WATCHERS", settings.max_watchers)
        self.builds = Builds(settings)
        self.poller = BuildPoller(
            lambda id, previous: self.on_disk(partial(read_build_state, self.builds.folder(id), previous))
        )

    def start(self) -> None:
        """Select the device in a thread, so that `GET /health/live` responds while a GPU is measured.

        Then builds that an earlier process left unfinished are resumed.
        """
        sys.setswitchinterval(_SWITCH_SECONDS)
        threading.Thread(target=self._prepare, name="prepare", daemon=True).start()
        self._returning = asyncio.get_running_loop().create_task(self._return_memory())

    def stop(self) -> None:
        """Stop the threads; unfinished builds are left to the next process, or to build workers elsewhere."""
        self._returning.cancel()
        self._compute.shutdown(wait=False, cancel_futures=True)
        self._disk.shutdown(wait=False, cancel_futures=True)
        self.renderer.stop()
        self.builds.stop()

    async def _return_memory(self) -> None:
        """Return memory to the system after a peak, once the requests that took it are over."""
        renderer = self.renderer
        budgets = (self.body_memory, self.working_memory, renderer.tile_memory, renderer.picture_memory)
        while True:
            await asyncio.sleep(_RETURN_SECONDS)
            peak, used = sum(budget.peak for budget in budgets), sum(budget.used for budget in budgets)
            if peak >= _LARGE_PEAK_BYTES and used <= _QUIET_BYTES:
                for budget in budgets:
                    budget.peak = 0
                await self.in_thread(return_freed_memory)

    def _prepare(self) -> None:
        try:
            self.renderer.select_device()
        except Exception as error:
            self.failure = f"{type(error).__name__}: {error}"
            raise
        self.is_ready = True
        # Objects that exist now are permanent. Frozen, they are not scanned again at each garbage collection: there are
        # several hundred thousand of them.
        gc.freeze()
        gc.set_threshold(*_COLLECT_AFTER)
        self.builds.start()

    def check_ready(self) -> None:
        """Raise 503 while the device is being selected."""
        if not self.is_ready:
            raise busy("the service is starting and selects its device: send the request again", retry_after=5)

    def in_thread(self, work: Callable[[], Result]) -> asyncio.Future[Result]:
        """Run a function in a thread that computes."""
        return asyncio.get_running_loop().run_in_executor(self._compute, work)

    def on_disk(self, work: Callable[[], Result]) -> asyncio.Future[Result]:
        """Run a function in a thread for the disk; each OSError that it raises becomes a DataDirectoryError."""
        return asyncio.get_running_loop().run_in_executor(self._disk, data_directory_errors()(work))


def service_of(request: Request) -> Service:
    """The service that handles a request."""
    service: Service = request.app.state.service
    return service
