"""GpuDevice: batches drawn and coded on a CUDA device, and what is done when it cannot."""

from __future__ import annotations

import gc
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import perf_counter
from typing import ClassVar, Literal, Protocol

from heatsvc.bounds import Bounds
from heatsvc.encode.codings import EncodedChunk, Zstd
from heatsvc.encode.drawing import Drawing
from heatsvc.encode.stretch import Stretch
from heatsvc.errors import LimitError

Reason = Literal["memory", "lost"]
Fell = Callable[[Reason, str], None]
"""Called when the CPU takes over: for one clip too large for the GPU's memory, or for good; what the GPU said."""

# Of dense output: 80 clips of PoseC3D's size. The device needs two or three times as much.
_BUDGET = 1 << 30


class Coder(Protocol):
    """What `heatsvc.encode.cuda` has."""

    def can_encode(self, drawing: Drawing, coding: str) -> bool:
        """Whether it does this at all."""

    def encode_batch(
        self, drawings: Sequence[Drawing], coding: Literal["zstd", "deflate"], device: str, *, bounds: Bounds
    ) -> list[EncodedChunk]:
        """A chunk of each."""


class GpuDevice:
    """Takes whole drawings, of those that `Coder.can_encode` names, until the GPU is lost.

    A batch that its memory does not hold is halved, and so on; a drawing that it does not hold by itself is left to the
    CPU. After any other error all is, and nothing more is asked of the GPU: what it has broken inside cannot be told.

    Attributes:
        name: as torch names it.
        budget: bytes of dense output in a batch.
        failure: what the GPU said when it was lost; None until then.

    Args:
        bounds: of a single request; several in a batch may together have as much as the budget.
        coder: of batches; None: the one of `heatsvc.encode.cuda`.
        least: as `Device.least`, as long as the GPU is there.
        fell: told when the CPU is to step in.
    """

    lanes: ClassVar[int] = 1
    cuts: ClassVar[bool] = False

    def __init__(
        self,
        name: str,
        bounds: Bounds,
        *,
        coder: Coder | None = None,
        least: float = 0,
        budget: int = _BUDGET,
        fell: Fell = lambda _reason, _why: None,
    ) -> None:
        self.name = name
        self.budget = budget
        self.failure: str | None = None
        self._bounds = replace(bounds, max_volume_bytes=max(bounds.max_volume_bytes, budget))
        self._coder = coder or _coder()
        self._least = least
        self._fell = fell
        self._lock = threading.Lock()

    @property
    def least(self) -> float:
        """Bytes from which it is given a batch; none once it is lost."""
        return math.inf if self.failure else self._least

    @least.setter
    def least(self, least: float) -> None:
        self._least = least

    def takes(self, task: Stretch) -> bool:
        """Whether it is there, and can do this: it writes zstd fast, so where small is asked for it does not."""
        small = isinstance(task.coding, Zstd) and task.coding.compact
        return self.failure is None and not small and self._coder.can_encode(task.drawing, task.coding.name)

    def run(self, tasks: Sequence[Stretch]) -> list[list[EncodedChunk] | Exception | None]:
        """All at once, those of each coding; nothing for those whom nobody waits for; leaves what it cannot do."""
        outcomes: list[list[EncodedChunk] | Exception | None] = [None] * len(tasks)
        groups: dict[str, list[int]] = {}
        for place, task in enumerate(tasks):
            try:
                task.errand.token.raise_if_cancelled()
            except Exception as error:
                outcomes[place] = error
            else:
                groups.setdefault(task.coding.name, []).append(place)
        chunks: list[EncodedChunk] | None = None
        for places in groups.values():
            for place, chunks in zip(places, self._code([tasks[place] for place in places]), strict=True):
                outcomes[place] = chunks
        try:
            return outcomes
        finally:
            # What ended one knows this frame, which would keep what came of the others until the collector comes by.
            del outcomes, chunks

    def _code(self, tasks: Sequence[Stretch]) -> Sequence[list[EncodedChunk] | None]:
        """Stretches of one coding."""
        if self.failure:
            return [None] * len(tasks)
        try:
            return self._batch(tasks)
        except Exception as error:
            why = first_line(error)
            if not _is_too_much(error):
                self._lose(why)
        # Only here, behind the except clause, is what was allocated for the batch given back with the error.
        if self.failure:
            return [None] * len(tasks)
        _empty_cache()
        if len(tasks) == 1:
            self._fell("memory", why)
            return [None]
        half = len(tasks) // 2
        return [*self._code(tasks[:half]), *self._code(tasks[half:])]

    def _batch(self, tasks: Sequence[Stretch]) -> list[list[EncodedChunk]]:
        started = perf_counter()
        coding: Literal["zstd", "deflate"] = "deflate" if tasks[0].coding.name == "deflate" else "zstd"
        chunks = self._coder.encode_batch([task.drawing for task in tasks], coding, self.name, bounds=self._bounds)
        if len({id(task.errand) for task in tasks}) > 1:
            # They are views of one buffer, which must not live as long as the slowest of several clients reads.
            chunks = [replace(chunk, data=bytes(chunk.data)) for chunk in chunks]
        seconds = perf_counter() - started
        size = sum(task.cost for task in tasks)
        for task in tasks:
            task.errand.spent.append((seconds * task.cost / size, 0.0))
        return [[chunk] for chunk in chunks]

    def rest(self) -> None:
        """Give back the device's memory that torch keeps for the next batch."""
        _empty_cache()

    def _lose(self, why: str) -> None:
        with self._lock:
            before, self.failure = self.failure, self.failure or why
        if before is None:
            self._fell("lost", why)


def _coder() -> Coder:
    from heatsvc.encode import cuda

    coder: Coder = cuda
    return coder


def _is_too_much(error: Exception) -> bool:
    """Whether less of it might do: the device's memory is full, or what it keeps beside pixels passes a bound."""
    import torch

    return isinstance(error, torch.OutOfMemoryError | LimitError | MemoryError) or "out of memory" in str(error).lower()


def _empty_cache() -> None:
    """Give back what torch keeps, which may be in chunks too small."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def first_line(error: Exception) -> str:
    """What an error says, without what torch adds to it."""
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0]:.200}" if lines else type(error).__name__
