"""ReaderPool: processes that read shards."""

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
from ctypes import c_byte
from types import TracebackType

from heatsvc.annotation.inputs import Inputs
from heatsvc.annotation.plan import LabeledVideo
from heatsvc.annotation.shards import Shard, ShardReader
from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.pose.readers.folder import files_in_folder, is_keypoint_file

LARGE = 4096
"""Number of files from which processes are started."""

_LARGE_BYTES = 256 << 20
_POLL_SECONDS = 0.1
_PR_SET_PDEATHSIG = 1


class ReaderPool:
    """Processes that read shards. They start at once, and import their code while labels are read.

    Args:
        jobs: number of processes; with fewer than two, shards are read in this process.
    """

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._pool: ProcessPoolExecutor | None = None
        if jobs > 1:
            # Not forked, since a fork of a process with threads may hang.
            context = multiprocessing.get_context("spawn")
            self._cancelled = context.RawValue("b", 0)
            self._pool = ProcessPoolExecutor(jobs, context, initializer=_begin, initargs=(os.getpid(), self._cancelled))
            for _ in range(jobs):
                self._pool.submit(os.getpid)

    def __enter__(self) -> ReaderPool:
        """Return the pool."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the processes; after an error their unfinished shards are not written."""
        if self._pool is None:
            return
        if error is not None:
            self._cancelled.value = 1
        self._pool.shutdown(wait=True, cancel_futures=True)

    def read(
        self, shards: Iterable[tuple[int, Sequence[LabeledVideo]]], reader: ShardReader, token: CancelToken
    ) -> Iterator[Shard]:
        """Read shards, given by their numbers and videos, and yield them in order.

        Raises:
            AnnotationError: no file can be read with the options.
            OSError: the disk is full.
            BrokenProcessPool: a process died.
        """
        if self._pool is None:
            for number, videos in shards:
                yield reader.read(number, videos, token)
            return
        futures: deque[Future[bytes]] = deque()
        for number, videos in shards:
            futures.append(self._pool.submit(_read_shard, reader, number, videos))
            if len(futures) > 3 * self._jobs:
                yield _result(futures.popleft(), token)
        while futures:
            yield _result(futures.popleft(), token)


def is_large(inputs: Inputs) -> bool:
    """Whether processes make reading faster, by the number and size of the files."""
    if len(inputs.keypoints) > LARGE:
        return True
    if sum(source.path.stat().st_size for source in inputs.keypoints) > _LARGE_BYTES:
        return True
    if inputs.folder is None:
        return False
    return any(count > LARGE for count, _ in enumerate(files_in_folder(inputs.folder, is_keypoint_file), 1))


def _read_shard(reader: ShardReader, number: int, videos: Sequence[LabeledVideo]) -> bytes:
    """Read a shard, and return it as JSON, which is faster to send than thousands of pickled objects."""
    return reader.read(number, videos, _worker_token).to_json()


def _result(future: Future[bytes], token: CancelToken) -> Shard:
    while True:
        token.raise_if_cancelled()
        with suppress(FutureTimeoutError):
            return Shard.from_json(future.result(_POLL_SECONDS))


class _SharedToken(CancelToken):
    """A token with a shared flag, which the parent process sets. It has no lock, which a killed process might hold."""

    def __init__(self, flag: c_byte) -> None:
        super().__init__()
        self._flag = flag

    def raise_if_cancelled(self) -> None:
        if self._flag.value:
            self.cancel()
        super().raise_if_cancelled()


_worker_token = NEVER_CANCELLED


def _begin(parent: int, cancelled: c_byte) -> None:
    """Initialize a new process: it ends with its parent, and leaves Ctrl-C to it."""
    global _worker_token
    _worker_token = _SharedToken(cancelled)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
