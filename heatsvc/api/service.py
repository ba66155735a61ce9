"""Service: what the routes of one process share."""

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

# Objects made before the collector looks for cycles of them: a refused request leaves some, and they hold its body.
_COLLECT_AFTER = (5_000, 10, 10)
# Between threads that want the interpreter: the event loop waits for it whenever others compute.
_SWITCH_SECONDS = 0.5e-3
# How often to check whether memory should be returned to the system: after a peak of at least the first number of
# bytes in the budgets, when at most the second number is in use.
_RETURN_SECONDS = 5.0
_LARGE_PEAK_BYTES, _QUIET_BYTES = 64 << 20, 1 << 20
# Beside one for each upload.
_DISK_THREADS = 4


class Service:
    """Settings, threads, memory budgets, and whether requests can be processed.

    Attributes:
        settings: of the service.
        is_ready: whether the device that renders is selected.
        failure: why no device could be selected; None if one was.
        renderer: renders responses.
        compute_slots: for requests that are parsed and planned in a thread.
        body_memory, working_memory: bytes of bodies that are received, and bytes that parsing and planning them takes.
        uploads: slots for requests that send files to disk.
        watchers: slots for requests that wait for builds, or fetch their files.
        builds: the datasets that build workers build.
        poller: reads the state of builds that clients wait for.
        stopping: set when the server begins to stop: event streams then end.
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
        # What waits for a disk must not keep a thread from those that compute.
        self._disk = ThreadPoolExecutor(settings.max_uploads + _DISK_THREADS, "disk")
        self.uploads = ConcurrencyLimit("HEATSVC_MAX_UPLOADS", settings.max_uploads)
        self.watchers = ConcurrencyLimit("HEATSVC_MAX_WATCHERS", settings.max_watchers)
        self.builds = Builds(settings)
        self.poller = BuildPoller(
            lambda id, previous: self.on_disk(partial(read_build_state, self.builds.folder(id), previous))
        )

    def start(self) -> None:
        """Select the device in a thread of its own, so that `GET /health/live` responds meanwhile: a GPU is measured.

        Then builds that an earlier service left unfinished are resumed.
        """
        sys.setswitchinterval(_SWITCH_SECONDS)
        threading.Thread(target=self._prepare, name="prepare", daemon=True).start()
        self._returning = asyncio.get_running_loop().create_task(self._return_memory())

    def stop(self) -> None:
        """Take no more work; builds under way are left to the next service, or to workers elsewhere."""
        self._returning.cancel()
        self._compute.shutdown(wait=False, cancel_futures=True)
        self._disk.shutdown(wait=False, cancel_futures=True)
        self.renderer.stop()
        self.builds.stop()

    async def _return_memory(self) -> None:
        """After requests that took much memory together, return it to the system once they are over."""
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
        # Objects that exist now stay: the collector need not go through a few hundred thousand objects again each time
        # that some requests' lists of numbers have made it run.
        gc.freeze()
        gc.set_threshold(*_COLLECT_AFTER)
        self.builds.start()

    def check_ready(self) -> None:
        """Raise 503 while the device is being selected."""
        if not self.is_ready:
            raise busy("the service is still starting: it selects its device", retry_after=5)

    def in_thread(self, work: Callable[[], Result]) -> asyncio.Future[Result]:
        """Have a thread compute something."""
        return asyncio.get_running_loop().run_in_executor(self._compute, work)

    def on_disk(self, work: Callable[[], Result]) -> asyncio.Future[Result]:
        """Run a function in a thread for the disk; each OSError that it raises becomes a DataDirectoryError."""
        return asyncio.get_running_loop().run_in_executor(self._disk, data_directory_errors()(work))


def service_of(request: Request) -> Service:
    """The service that a request came to."""
    service: Service = request.app.state.service
    return service
