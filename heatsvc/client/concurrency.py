"""What differs between the two clients: each function for asyncio (`_async`) and for threads, with the same meaning."""

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


async def run_blocking_async(
    function: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
) -> Result:
    """Call what takes a while and does not wait for the network, beside the event loop."""
    return await asyncio.to_thread(function, *args, **kwargs)


def run_blocking(function: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
    """Call what takes a while and does not wait for the network."""
    return function(*args, **kwargs)


sleep_async = asyncio.sleep
sleep = time.sleep


async def map_in_order_async(
    function: Callable[[Item], Awaitable[Result]], items: Iterable[Item], concurrency: int
) -> AsyncGenerator[Result, None]:
    """The results of a function in the order of the items, a few of them at a time.

    At most `concurrency` calls and results exist beside the one that is taken. Where a call fails, or the iterator is
    closed, the others are cancelled.
    """
    tasks: deque[asyncio.Task[Result]] = deque()
    try:
        for item in items:
            tasks.append(asyncio.ensure_future(_as_coroutine(function, item)))
            if len(tasks) >= concurrency:
                yield await tasks.popleft()
        while tasks:
            yield await tasks.popleft()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _as_coroutine(function: Callable[[Item], Awaitable[Result]], item: Item) -> Result:
    return await function(item)


def map_in_order(
    function: Callable[[Item], Result], items: Iterable[Item], concurrency: int
) -> Generator[Result, None, None]:
    """The results of a function in the order of the items, a few of them at a time.

    At most `concurrency` calls and results exist beside the one that is taken. Where a call fails, or the iterator is
    closed, those that have not begun are left out; the others end by themselves, and their results are dropped.
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
    """A request's body that is read from files in a thread, and counted.

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
    """A request's body that is counted.

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
