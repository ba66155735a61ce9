"""Crew: processes that read parts, in order, no more of them under way than there are processes to spare."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from typing import TypeVar

from heatsvc.annotation.reading import PartFacts, Reading, Task, read_part

PART = 256
"""Videos in a part: some megabytes, some hundredths of a second."""

_SECONDS_BETWEEN_LOOKS = 0.1
_PR_SET_PDEATHSIG = 1
# Fewer parts than these are read sooner than processes start.
_WORTH_PROCESSES = 3

Result = TypeVar("Result")


def read_parts(
    parts: Sequence[tuple[int, Sequence[Task]]],
    reading: Reading,
    jobs: int,
    keep_going: Callable[[], None],
) -> Iterator[tuple[int, PartFacts]]:
    """Read parts; each is told as it is done, in order.

    Args:
        parts: number and videos of each.
        jobs: processes; 1 reads in this one.

    Raises:
        AnnotationError: options that no file can be read with.
        OSError: the disk is full.
        BrokenProcessPool: a process died.
    """
    if jobs < 2 or len(parts) < _WORTH_PROCESSES:
        for number, tasks in parts:
            yield number, read_part(number, tasks, reading, keep_going)
        return
    # Fresh processes: a fork of one that has threads may hang.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(jobs, len(parts)), context, initializer=_end_with, initargs=(os.getpid(),))
    waiting: deque[tuple[int, Future[PartFacts]]] = deque()
    left = iter(parts)
    try:
        for number, tasks in left:
            waiting.append((number, pool.submit(read_part, number, tasks, reading)))
            if len(waiting) > 2 * jobs:
                yield _first(waiting, keep_going)
        while waiting:
            yield _first(waiting, keep_going)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _first(waiting: deque[tuple[int, Future[PartFacts]]], keep_going: Callable[[], None]) -> tuple[int, PartFacts]:
    number, future = waiting.popleft()
    while True:
        keep_going()
        with suppress(FutureTimeoutError):
            return number, future.result(_SECONDS_BETWEEN_LOOKS)


def _end_with(parent: int) -> None:
    """In a new process: end when the parent does, whatever ends it, and leave Ctrl-C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
