"""Renderer: renders the responses of one process, on CPU threads and, where there is one, on a GPU."""

from __future__ import annotations

import asyncio
import tempfile
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

import structlog
from filelock import FileLock, Timeout
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from heatsvc.api import metrics
from heatsvc.api.limits import SharedBudget
from heatsvc.encode.codings import EncodedChunk
from heatsvc.encode.devices import DeviceSelection, FallbackReason, find_gpu, select_device
from heatsvc.encode.job import RenderJob, WorkItem
from heatsvc.errors import DeviceError
from heatsvc.kernels import KERNELS
from heatsvc.render.scheduler import BatchReport, Scheduler
from heatsvc.settings import Settings

log = structlog.get_logger("heatsvc.renderer")

_AHEAD = 2
"""Items that are rendered ahead of the client."""
_GPU_LOCK_SECONDS = 60.0

SLICE_BYTES = 256 << 10
"""Bytes of a body that are handed to the server at a time: it buffers what the client does not take."""


class Renderer:
    """Small responses are rendered where they are requested, others by the scheduler's workers.

    Args:
        settings: device, threads and the memory for tiles and pictures.

    Attributes:
        gpu: what large batches are rendered on; None where the CPU renders everything.
        kernels: that render: ``native`` or ``reference``, with ``+cuda`` as long as there is a GPU.
        tile_memory: bytes of tiles that are rendered and not sent.
        picture_memory: bytes of pictures that are written or sent; their tiles take none of `tile_memory`.

    Raises:
        DeviceError: a GPU is requested by name, and there is none.
    """

    def __init__(self, settings: Settings) -> None:
        if settings.device.startswith("cuda"):
            try:
                find_gpu(settings.device)
            except DeviceError as error:
                raise DeviceError(f"HEATSVC_DEVICE={settings.device}: {error}") from None
        self._settings = settings
        self.tile_memory = SharedBudget(
            settings.tile_memory_bytes, "HEATSVC_TILE_MEMORY_BYTES", settings.admission_seconds
        )
        self.picture_memory = SharedBudget(
            settings.picture_memory_bytes, "HEATSVC_PICTURE_MEMORY_BYTES", settings.admission_seconds
        )
        self._selection = DeviceSelection(settings.device, "not selected yet")
        self.gpu = self._selection.gpu
        self.kernels: str = KERNELS.name
        self._scheduler: Scheduler[WorkItem] = Scheduler(settings.threads, on_batch=_count_batch)

    def select_device(self) -> None:
        """Look for a GPU and measure it, as far as the settings ask for that. Before anything is rendered.

        Worker processes measure it one after the other.
        """
        settings = self._settings
        lock = FileLock(Path(tempfile.gettempdir()) / "heatsvc-gpu.lock", timeout=_GPU_LOCK_SECONDS)
        with ExitStack() as stack:
            if settings.device != "cpu":
                try:
                    stack.enter_context(lock)
                except (Timeout, OSError):
                    log.warning("the GPU is measured while others may use it", lock=lock.lock_file)
            self.use(select_device(settings.device, settings.threads, settings.bounds, self.on_fallback))

    def use(self, selection: DeviceSelection) -> None:
        """Render on the device that was selected, from now on. Before anything is rendered."""
        self._selection = selection
        self.gpu = selection.gpu
        if selection.gpu is not None:
            self.kernels = f"{KERNELS.name}+cuda"
            self._scheduler = Scheduler(self._settings.threads, selection.gpu, _count_batch)
        if selection.measurements:
            log.info("device", asked=selection.asked, used=self.used, why=selection.why)

    @property
    def used(self) -> str:
        """What large batches are rendered on now."""
        return "cpu" if self.gpu is None else self.gpu.name

    def describe(self) -> dict[str, Any]:
        """The selection and its measurements, for `GET /health/ready`."""
        selection, gpu = self._selection, self._selection.gpu
        used, why, from_bytes = "cpu", selection.why, None
        if gpu is not None:
            # It may be lost at any moment: what is read before `failure` is of a GPU in use if that is None.
            from_bytes = gpu.min_batch_bytes
            if failure := gpu.failure:
                why, from_bytes = f"{gpu.name} was lost: {failure}", None
            else:
                used = gpu.name
        return {
            "asked": selection.asked,
            "used": used,
            "why": why,
            "from_bytes": from_bytes,
            "cpu_workers": self._settings.threads,
            "measured": [
                {
                    "clips": each.clips,
                    "bytes": each.size,
                    "cpu_seconds": round(each.cpu_seconds, 6),
                    "gpu_seconds": round(each.gpu_seconds, 6),
                }
                for each in selection.measurements
            ],
        }

    def is_inline(self, job: RenderJob) -> bool:
        """Whether a job is rendered on the event loop.

        A light one is, unless a GPU wins at its size, or works while all CPU workers do: then it is in the next batch.
        """
        gpu = self.gpu
        if not job.is_light or gpu is None:
            return job.is_light
        if job.decoded_bytes < gpu.min_batch_bytes and self._scheduler.has_idle_worker:
            return True
        return not all(gpu.takes(item) for item in job.items)

    async def render(self, job: RenderJob) -> bytes:
        """A whole body. What a picture takes (`BodyWriter.buffer_bytes`) has been taken from `picture_memory`.

        Raises:
            RequestError: 503, the memory for tiles is used up.
        """
        if self.is_inline(job):
            return job.render()
        # A single part, as of a picture, is not copied.
        return b"".join([data async for data in self.stream(job) if len(data)])

    async def stream(self, job: RenderJob) -> AsyncGenerator[bytes | memoryview]:
        """The chunks of a body, each when its turn has come; to close the iterator ends the rendering.

        At most `_AHEAD` items are rendered before the client has taken those before them.

        Raises:
            RequestError: 503, the memory for the first item is used up.
        """
        loop, tiles = asyncio.get_running_loop(), self.tile_memory
        waiting: deque[WorkItem] = deque(job.items)
        ahead: deque[tuple[WorkItem, asyncio.Future[list[EncodedChunk]]]] = deque()
        reserved_bytes, has_begun, is_buffered = 0, False, bool(job.writer.buffer_bytes)
        try:
            while waiting or ahead:
                while waiting and len(ahead) < _AHEAD:
                    item = waiting[0]
                    needed = 0 if is_buffered else item.max_encoded_bytes
                    if needed and not tiles.try_acquire(needed):
                        if ahead:
                            break  # somebody else may have nothing under way
                        await tiles.acquire(needed, None if has_begun else job.token)
                    reserved_bytes += needed
                    waiting.popleft()
                    ahead.append((item, asyncio.wrap_future(self._scheduler.submit(item))))
                item, future = ahead.popleft()
                chunks = await future
                if not has_begun:
                    job.token.raise_if_cancelled()
                    has_begun = True
                    if not is_buffered:
                        job.token.remove_deadline()
                    yield job.start()
                if job.writer.is_heavy:
                    parts = await loop.run_in_executor(None, job.add, item, chunks)
                else:
                    parts = job.add(item, chunks)
                del chunks
                for data in parts:
                    yield data
                if not is_buffered:
                    reserved_bytes -= item.max_encoded_bytes
                    tiles.release(item.max_encoded_bytes)
            yield await loop.run_in_executor(None, job.finish) if job.writer.is_heavy else job.finish()
        finally:
            job.token.cancel()
            for _, future in ahead:
                future.cancel()
            tiles.release(reserved_bytes)

    def on_fallback(self, reason: FallbackReason, why: str) -> None:
        """The CPU has replaced the GPU."""
        metrics.fallbacks.labels(reason).inc()
        if reason == "lost":
            self.gpu, self.kernels = None, KERNELS.name
            log.error("the GPU is lost: the CPU renders from now on", why=why)

    def stop(self) -> None:
        """Render nothing more that waits."""
        self._scheduler.stop()


class RenderResponse(StreamingResponse):
    """A streamed body; what it holds is given back when it ends, however it ends.

    Args:
        first: the first chunk of the body.
        rest: the chunks after it, if any.
        headers: of the response.
        stack: closed after the body.
    """

    def __init__(
        self,
        first: bytes | memoryview,
        rest: AsyncGenerator[bytes | memoryview] | None,
        headers: Mapping[str, str],
        stack: AsyncExitStack,
    ) -> None:
        super().__init__(_chained(first, rest), headers=headers)
        self._stack = stack
        if rest is not None:
            stack.push_async_callback(rest.aclose)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        async with self._stack:
            await super().__call__(scope, receive, send)


async def _chained(
    first: bytes | memoryview, rest: AsyncGenerator[bytes | memoryview] | None
) -> AsyncIterator[bytes | memoryview]:
    # What is in transit is held twice, and many connections take turns on the event loop.
    for data in _slices(first):
        yield data
    if rest is not None:
        async for chunk in rest:
            for data in _slices(chunk):
                yield data


def _slices(data: bytes | memoryview) -> Iterator[memoryview]:
    view = memoryview(data)
    for start in range(0, len(view), SLICE_BYTES):
        yield view[start : start + SLICE_BYTES]


def _count_batch(report: BatchReport) -> None:
    metrics.batches.labels(report.device).observe(report.items)
