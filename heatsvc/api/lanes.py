"""Lanes: what draws the answers of one process."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import structlog

from heatsvc.api import metrics
from heatsvc.api.problems import busy
from heatsvc.encode.body import Body
from heatsvc.encode.codings import Piece
from heatsvc.encode.devices import Choice, CpuDevice, GpuDevice, NoGpuError, Reason, choose, find_gpu
from heatsvc.encode.errand import Errand
from heatsvc.encode.layout import Layout
from heatsvc.encode.stretch import Stretch
from heatsvc.render.scheduler import Batcher, Device, FullError, Ran
from heatsvc.settings import Settings

log = structlog.get_logger("heatsvc.lanes")


class DeviceError(RuntimeError):
    """The device of the settings is not there."""


class Lanes:
    """The event loop for small answers; for others CPU threads and, where there is one that wins, a GPU.

    Raises:
        DeviceError: a GPU is asked for by name, and there is none.
    """

    def __init__(self, settings: Settings) -> None:
        if settings.device.startswith("cuda"):
            try:
                find_gpu(settings.device)
            except NoGpuError as error:
                raise DeviceError(f"HEATSVC_DEVICE={settings.device}: {error}") from None
        self._settings = settings
        self._cpu = CpuDevice(settings.threads)
        self._pool = ThreadPoolExecutor(self._cpu.lanes + GpuDevice.lanes, "lane")
        self._choice = Choice(settings.device, "not looked for yet")
        self._batcher = self._batches(self._cpu)

    def choose(self, alone: Callable[[], AbstractContextManager[object]] = nullcontext) -> None:
        """Look for a GPU and measure it, as far as the settings ask for that. Before anything is drawn.

        Args:
            alone: entered while it is measured, to keep others from it meanwhile.
        """
        settings = self._settings
        self.use(choose(settings.device, settings.threads, settings.bounds, self.fell, alone=alone))

    def use(self, choice: Choice) -> None:
        """Draw as was chosen, from now on. Before anything is drawn."""
        self._choice = choice
        if choice.gpu is not None:
            self._batcher = self._batches(choice.gpu, self._cpu)
        if choice.figures:
            log.info("device", asked=choice.asked, used=self.used, why=choice.why)

    @property
    def waiting_bytes(self) -> int:
        """Decoded bytes of heatmaps that wait to be rendered."""
        return self._batcher.waiting

    @property
    def used(self) -> str:
        """What large batches are drawn on now."""
        gpu = self._choice.gpu
        return gpu.name if gpu is not None and gpu.failure is None else "cpu"

    def told(self) -> dict[str, Any]:
        """The choice and its figures, for `GET /health/ready`."""
        choice, gpu = self._choice, self._choice.gpu
        used, why, least = "cpu", choice.why, None
        if gpu is not None:
            # It may be lost at any moment: as long as it is not after this, what was read before is of one in use.
            least = gpu.least
            if lost := gpu.failure:
                why, least = f"{gpu.name} was lost: {lost}", None
            else:
                used = gpu.name
        return {
            "asked": choice.asked,
            "used": used,
            "why": why,
            "from_bytes": least,
            "cpu_lanes": self._cpu.lanes,
            "measured": [
                {
                    "clips": figure.clips,
                    "bytes": figure.size,
                    "cpu_seconds": round(figure.cpu_seconds, 6),
                    "gpu_seconds": round(figure.gpu_seconds, 6),
                }
                for figure in choice.figures
            ],
        }

    def draws_here(self, layout: Layout) -> bool:
        """Whether a small answer is drawn on the event loop.

        It is, and overtakes what waits: to hand it over takes longer than to draw it, and it keeps nobody from a lane.
        But a GPU that wins at its size gets it, and one that works while all other lanes do has it in its next batch.
        """
        gpu = self._choice.gpu
        if gpu is None or gpu.failure is not None:
            return True
        if layout.size < gpu.least and (self._batcher.is_idle(0) or self._batcher.is_idle(1)):
            return True
        return not all(map(gpu.takes, layout.stretches(Errand())))

    def write(self, layout: Layout, errand: Errand) -> Body:
        """Draw an answer here and now: a batch of its own."""
        body = layout.write(errand)
        metrics.batches.labels("cpu").observe(len(layout.drawings))
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

    def fell(self, reason: Reason, why: str) -> None:
        """The CPU has stepped in for the GPU."""
        metrics.fallbacks.labels(reason).inc()
        if reason == "lost":
            log.error("the GPU is lost: the CPU draws from now on", why=why)

    def stop(self) -> None:
        """Draw nothing more that waits."""
        self._batcher.stop()
        self._pool.shutdown(wait=False)

    def _batches(self, *devices: Device[Stretch, Piece]) -> Batcher[Stretch, Piece]:
        return Batcher(devices, self._start, self._settings.max_queue_bytes, self._count)

    def _start(self, step: Callable[[], bool]) -> None:
        try:
            self._pool.submit(_go_on, step)
        except RuntimeError:  # stopped meanwhile: what a lane has been given is done all the same
            _go_on(step)

    def _count(self, ran: Ran) -> None:
        metrics.batches.labels(ran.device).observe(ran.tasks)


def _go_on(step: Callable[[], bool]) -> None:
    while step():
        pass
