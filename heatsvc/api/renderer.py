"""Renderer: renders the responses of one process, on CPU threads and on a GPU if there is one."""

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
"""Number of work items that are rendered ahead of the client."""
_GPU_LOCK_SECONDS = 60.0

SLICE_BYTES = 256 << 10
"""Bytes of a body that are passed to the server at a time: it buffers what the client has not read."""


class Renderer:
    """Renders small responses on the event loop, and others in the scheduler's workers.

    Args:
        settings: the device, the number of threads, and the memory for tiles and pictures.

    Attributes:
        gpu: what large batches are rendered on; None where the CPU renders everything.
        kernels: the kernels in use: ``native`` or ``reference``, with ``+cuda`` as long as there is a GPU.
        tile_memory: budget for the bytes of tiles that are rendered and not sent.
        picture_memory: budget for the bytes of pictures that are written or sent; their tiles take none of
            `tile_memory`.

    Raises:
        DeviceError: the settings name a GPU that does not exist.
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
        """Find a GPU and measure it if the settings ask for it. Must be called before anything is rendered.

        Worker processes measure one after the other.
        """
        settings = self._settings
        lock = FileLock(Path(tempfile.gettempdir()) / "heatsvc-gpu.lock", timeout=_GPU_LOCK_SECONDS)
        with ExitStack() as stack:
            if settings.device != "cpu":
                try:
                    stack.enter_context(lock)
                except (Timeout, OSError):
                    log.warning("the GPU is measured while other worker processes may use it", lock=lock.lock_file)
            self.use(select_device(settings.device, settings.threads, settings.bounds, self.on_fallback))

    def use(self, selection: DeviceSelection) -> None:
        """Set the device. Must be called before anything is rendered."""
        self._selection = selection
        self.gpu = selection.gpu
        if selection.gpu is not None:
            self.kernels = f"{KERNELS.name}+cuda"
            self._scheduler = Scheduler(self._settings.threads, selection.gpu, _count_batch)
        if selection.measurements:
            log.info("device", asked=selection.asked, used=self.used, why=selection.why)

    @property
    def used(self) -> str:
        """The device that renders large batches now."""
        return "cpu" if self.gpu is None else self.gpu.name

    def describe(self) -> dict[str, Any]:
        """The selection and its measurements, for `GET /health/ready`."""
        selection, gpu = self._selection, self._selection.gpu
        used, why, from_bytes = "cpu", selection.why, None
        if gpu is not None:
            # Read `failure` last: if it is None, what was read before it is valid.
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

        A light job is, unless the GPU takes it and either is faster at its size or no CPU worker is idle: then it joins
        the next batch.
        """
        gpu = self.gpu
        if not job.is_light or gpu is None:
            return job.is_light
        if job.decoded_bytes < gpu.min_batch_bytes and self._scheduler.has_idle_worker:
            return True
        return not all(gpu.takes(item) for item in job.items)

    async def render(self, job: RenderJob) -> bytes:
        """Render a whole body. For a picture, the caller has reserved `BodyWriter.buffer_bytes` of `picture_memory`.

        Raises:
            RequestError: 503, the memory for tiles is used up.
        """
        if self.is_inline(job):
            return job.render()
        # A single part, such as a picture, is not copied.
        return b"".join([data async for data in self.stream(job) if len(data)])

    async def stream(self, job: RenderJob) -> AsyncGenerator[bytes | memoryview]:
        """Yield the chunks of a body as they are rendered; closing the iterator stops the rendering.

        At most `_AHEAD` items are rendered ahead of the client.

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
                            break  # leave the memory to a response that has no item yet
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
        """Count that the CPU replaces the GPU; if the GPU is lost, log it and render on the CPU from now on."""
        metrics.fallbacks.labels(reason).inc()
        if reason == "lost":
            self.gpu, self.kernels = None, KERNELS.name
            log.error("the GPU failed: the CPU renders from now on", why=why)

    def stop(self) -> None:
        """Drop the work items that wait."""
        self._scheduler.stop()


class RenderResponse(StreamingResponse):
    """A streamed body that releases its resources when it ends, also after an error.

    Args:
        first: the first chunk of the body.
        rest: the chunks after it, if any.
        headers: headers of the response.
        stack: holds the resources; closed after the body.
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
        """Send the response."""
        async with self._stack:
            await super().__call__(scope, receive, send)


async def _chained(
    first: bytes | memoryview, rest: AsyncGenerator[bytes | memoryview] | None
) -> AsyncIterator[bytes | memoryview]:
    # Bytes in transit are held twice, and many connections take turns on the event loop.
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
