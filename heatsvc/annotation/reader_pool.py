"""Crew: processes that read parts, in order, no more of them under way than there are processes to spare."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from io import BytesIO
from types import TracebackType

import numpy as np

from heatsvc.annotation.inputs import Inputs
from heatsvc.annotation.keypoints import KeypointSelection, read_keypoints
from heatsvc.annotation.shards import Shard, ShardReader, Task, read_shard
from heatsvc.cancel import CancelToken

LARGE = 4096
"""Files from which on processes are worth their start, and compiling is worth loading it."""

_LARGE_BYTES = 256 << 20
_SECONDS_BETWEEN_LOOKS = 0.1
_PR_SET_PDEATHSIG = 1


class ReaderPool:
    """Processes that read, started before there is anything to read: they load while labels are looked at.

    With less than two jobs there are none, and parts are read in this process.
    """

    def __init__(self, jobs: int) -> None:
        """Start them.

        Args:
            jobs: how many.
        """
        self._jobs = jobs
        self._pool: ProcessPoolExecutor | None = None
        if jobs > 1:
            # Fresh processes: a fork of one that has threads may hang.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(jobs, context, initializer=_begin, initargs=(os.getpid(),))
            for _ in range(jobs):
                self._pool.submit(os.getpid)

    @property
    def has_processes(self) -> bool:
        """Whether parts are read elsewhere."""
        return self._pool is not None

    def __enter__(self) -> ReaderPool:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the processes, at once where the work was broken off: parts are there whole or not at all."""
        if self._pool is None:
            return
        if error is not None:
            for process in list((getattr(self._pool, "_processes", None) or {}).values()):
                process.kill()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def read(
        self, parts: Iterable[tuple[int, Sequence[Task]]], reading: ShardReader, token: CancelToken
    ) -> Iterator[Shard]:
        """Read parts, one after the other; their facts, in order.

        Args:
            parts: number and videos of each.

        Raises:
            AnnotationError: options that no file can be read with.
            OSError: the disk is full.
            BrokenProcessPool: a process died.
        """
        if self._pool is None:
            for number, tasks in parts:
                yield read_shard(number, tasks, reading, token)
            return
        waiting: deque[Future[bytes]] = deque()
        for number, tasks in parts:
            waiting.append(self._pool.submit(_read_part, number, tasks, reading))
            if len(waiting) > 3 * self._jobs:
                yield _first(waiting, token)
        while waiting:
            yield _first(waiting, token)


def is_large(inputs: Inputs) -> bool:
    """Whether there is so much to read that processes for it are worth their start, by a first glance."""
    if len(inputs.keypoints) > LARGE:
        return True
    if sum(source.path.stat().st_size for source in inputs.keypoints) > _LARGE_BYTES:
        return True
    if inputs.folder is None:
        return False
    count, waiting = 0, [os.fspath(inputs.folder)]
    while waiting and count <= LARGE:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                count += 1
                if count > LARGE:
                    break
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
    return count > LARGE


def _read_part(number: int, tasks: Sequence[Task], reading: ShardReader) -> bytes:
    """As JSON: thousands of small objects take longer through a pipe."""
    return read_shard(number, tasks, reading).to_json()


def _first(waiting: deque[Future[bytes]], token: CancelToken) -> Shard:
    future = waiting.popleft()
    while True:
        token.raise_if_cancelled()
        with suppress(FutureTimeoutError):
            return Shard.from_json(future.result(_SECONDS_BETWEEN_LOOKS))


def _begin(parent: int) -> None:
    """In a new process: end when the parent does, whatever ends it, leave Ctrl-C to it, and load what will be used."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
    compile_kernels()


def compile_kernels() -> None:
    """Compile the reading of arrays, or load it from numba's cache."""
    file = BytesIO()
    np.save(file, np.ones((1, 133, 3), np.float32))
    for dtype in ("float16", "float32"):
        read_keypoints(file.getvalue(), "warm.npy", KeypointSelection("sign27", dtype, (1, 1), compiled=True))
