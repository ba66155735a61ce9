"""What differs between the two clients: each function for asyncio (`_async`), and the same for threads."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import httpx2

Item = TypeVar("Item")
Result = TypeVar("Result")
Parameters = ParamSpec("Parameters")


run_blocking_async = asyncio.to_thread


def run_blocking(function: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
    """Call a function that takes long: the synchronous client has no event loop that it would block."""
    return function(*args, **kwargs)


sleep_async = asyncio.sleep
sleep = time.sleep


async def map_in_order_async(
    function: Callable[[Item], Awaitable[Result]], items: Iterable[Item], concurrency: int
) -> AsyncGenerator[Result, None]:
    """Call a function for each item, `concurrency` items at a time, and yield the results in the order of the items.

    At most `concurrency` calls and results exist besides the one that was yielded. If a call fails, or the iterator is
    closed, the other calls are cancelled.
    """
    tasks: deque[asyncio.Task[Result]] = deque()
    try:
        for item in items:
            tasks.append(asyncio.ensure_future(function(item)))
            if len(tasks) >= concurrency:
                yield await tasks.popleft()
        while tasks:
            yield await tasks.popleft()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def map_in_order(
    function: Callable[[Item], Result], items: Iterable[Item], concurrency: int
) -> Generator[Result, None, None]:
    """Call a function for each item, `concurrency` items at a time, and yield the results in the order of the items.

    At most `concurrency` calls and results exist besides the one that was yielded. If a call fails, or the iterator is
    closed, calls that have not begun are left out; the others run to their end, and their results are dropped.
    """
    pool = ThreadPoolExecutor(concurrency, thread_name_prefix="heatsvc-client")
    try:
        futures: deque[Future[Result]] = deque()
        for item in items:
            futures.append(pool.submit(function, item))
            if len(futures) >= concurrency:
                yield futures.popleft().result()
        while futures:
            yield futures.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


class AsyncUploadStream(httpx2.AsyncByteStream):
    """The body of a request; it is read from files in a thread, and its bytes are counted.

    Args:
        stream: the body.
        report: called with the number of bytes that have been sent.
    """

    def __init__(self, stream: Iterable[bytes], report: Callable[[int], None]) -> None:
        self._stream = stream
        self._report = report

    async def __aiter__(self) -> AsyncIterator[bytes]:
        blocks = iter(self._stream)
        sent = 0
        while (block := await asyncio.to_thread(next, blocks, None)) is not None:
            yield block
            sent += len(block)
            self._report(sent)


class UploadStream(httpx2.SyncByteStream):
    """The body of a request, whose bytes are counted.

    Args:
        stream: the body.
        report: called with the number of bytes that have been sent.
    """

    def __init__(self, stream: Iterable[bytes], report: Callable[[int], None]) -> None:
        self._stream = stream
        self._report = report

    def __iter__(self) -> Iterator[bytes]:
        sent = 0
        for block in self._stream:
            yield block
            sent += len(block)
            self._report(sent)
