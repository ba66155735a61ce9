"""GpuDevice: renders and encodes batches on a CUDA device, and falls back to the CPU on errors."""

from __future__ import annotations

import gc
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Literal, Protocol

from heatsvc.bounds import Bounds
from heatsvc.encode.codings import EncodedChunk, Zstd
from heatsvc.encode.job import PlannedVolume, WorkItem
from heatsvc.errors import LimitError

FallbackReason = Literal["memory", "lost"]
OnFallback = Callable[[FallbackReason, str], None]
"""Called with the reason and the GPU's message when the CPU replaces the GPU, for one item that is too large for its
memory, or for good."""

# Decoded output of 80 clips of PoseC3D's size. The device needs two or three times as much memory.
_BATCH_BYTES = 1 << 30


class BatchEncoder(Protocol):
    """The interface of `heatsvc.encode.cuda`."""

    def can_encode(self, planned: PlannedVolume, coding: str) -> bool:
        """Whether it can encode a volume."""

    def encode_batch(
        self, volumes: Sequence[PlannedVolume], coding: Literal["zstd", "deflate"], device: str, *, bounds: Bounds
    ) -> list[EncodedChunk]:
        """Render and encode volumes; return a chunk for each."""


class GpuDevice:
    """Processes items of whole volumes that its encoder can encode, until the GPU fails.

    A batch that does not fit into its memory is halved repeatedly; a single item that does not fit is declined. After
    any other error all items are declined, and the GPU is not used again, since its state is unknown.

    Args:
        name: a device of torch.
        bounds: limits of a single request; several requests in a batch may together have up to `batch_bytes`.
        encoder: the encoder of batches; None uses `heatsvc.encode.cuda`.
        min_batch_bytes: see `BatchDevice`; used until the GPU fails.
        on_fallback: called when the CPU replaces the GPU.

    Attributes:
        failure: the GPU's message when it failed; None until then.
    """

    def __init__(
        self,
        name: str,
        bounds: Bounds,
        *,
        encoder: BatchEncoder | None = None,
        min_batch_bytes: float = 0,
        on_fallback: OnFallback = lambda _reason, _message: None,
    ) -> None:
        self.name = name
        self.batch_bytes = _BATCH_BYTES
        self.failure: str | None = None
        self._bounds = replace(bounds, max_volume_bytes=max(bounds.max_volume_bytes, _BATCH_BYTES))
        if encoder is None:
            from heatsvc.encode import cuda

            encoder = cuda
        self._encoder = encoder
        self._min_batch_bytes = min_batch_bytes
        self._on_fallback = on_fallback
        self._lock = threading.Lock()

    @property
    def min_batch_bytes(self) -> float:
        """Minimum size of a batch in bytes; infinite once the GPU has failed."""
        return math.inf if self.failure else self._min_batch_bytes

    @min_batch_bytes.setter
    def min_batch_bytes(self, size: float) -> None:
        self._min_batch_bytes = size

    def takes(self, item: WorkItem) -> bool:
        """Whether the GPU works and can process this item; it writes fast zstd, not small."""
        coding, volumes = item.writer.tile_coding, item.volumes
        if self.failure is not None or volumes is None or (isinstance(coding, Zstd) and coding.small):
            return False
        return all(self._encoder.can_encode(planned, coding.name) for planned in volumes)

    def run(self, items: Sequence[WorkItem]) -> list[list[EncodedChunk] | Exception | None]:
        """Process a batch, the items of each coding together; cancelled items are skipped."""
        results: list[list[EncodedChunk] | Exception | None] = [None] * len(items)
        groups: dict[str, list[int]] = {}
        for place, item in enumerate(items):
            try:
                item.token.raise_if_cancelled()
            except Exception as error:
                # Its traceback would refer to this frame, and so to the results of all other items.
                results[place] = error.with_traceback(None)
            else:
                groups.setdefault(item.writer.tile_coding.name, []).append(place)
        for places in groups.values():
            for place, chunks in zip(places, self._encode([items[place] for place in places]), strict=True):
                results[place] = chunks
        return results

    def _encode(self, items: Sequence[WorkItem]) -> Sequence[list[EncodedChunk] | None]:
        """Encode items of one coding."""
        if self.failure:
            return [None] * len(items)
        try:
            return self._encode_together(items)
        except Exception as error:
            message = first_line(error)
            if not _is_too_much(error):
                self._lose(message)
        # The memory of the failed batch is released with the error, at the end of the except clause.
        if self.failure:
            return [None] * len(items)
        self.release_memory()
        if len(items) == 1:
            self._on_fallback("memory", message)
            return [None]
        half = len(items) // 2
        return [*self._encode(items[:half]), *self._encode(items[half:])]

    def _encode_together(self, items: Sequence[WorkItem]) -> list[list[EncodedChunk]]:
        started = perf_counter()
        coding: Literal["zstd", "deflate"] = "deflate" if items[0].writer.tile_coding.name == "deflate" else "zstd"
        volumes = [item.volumes or [] for item in items]
        chunks = iter(
            self._encoder.encode_batch(
                [planned for each in volumes for planned in each], coding, self.name, bounds=self._bounds
            )
        )
        results = [[next(chunks) for _ in each] for each in volumes]
        if len({id(item.writer) for item in items}) > 1:
            # They are views of one buffer, which must not be kept until the slowest of several clients has read it.
            results = [[replace(chunk, data=bytes(chunk.data)) for chunk in each] for each in results]
        seconds = perf_counter() - started
        size = sum(item.decoded_bytes for item in items)
        for item in items:
            item.stage_seconds.append((seconds * item.decoded_bytes / size, 0.0))
        return results

    def release_memory(self) -> None:
        """Release the device memory that torch caches, whose pieces may be too small for the next batch."""
        import torch

        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _lose(self, message: str) -> None:
        with self._lock:
            before, self.failure = self.failure, self.failure or message
        if before is None:
            self._on_fallback("lost", message)


def _is_too_much(error: Exception) -> bool:
    """Whether a smaller batch might succeed: the device's memory is full, or the tables exceed a bound."""
    import torch

    return isinstance(error, torch.OutOfMemoryError | LimitError | MemoryError) or "out of memory" in str(error).lower()


def first_line(error: Exception) -> str:
    """The first line of an error's message, without the details that torch adds."""
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0]:.200}" if lines else type(error).__name__
