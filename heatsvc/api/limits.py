"""Limits: how long, how large and how many requests may be, while they arrive, are worked on, and are answered."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TypeVar

from starlette.requests import Request
from starlette.types import Message

from heatsvc.api.problems import ClientGoneError, RequestError, busy
from heatsvc.errors import LimitError
from heatsvc.settings import Settings

Result = TypeVar("Result")

# Bytes a second: an upload that comes slower keeps its place among the few for too long.
_SLOWEST = 4 << 10


async def read_body(request: Request, length: str | None, settings: Settings, patience: Patience) -> bytes:
    """The whole body.

    Args:
        length: its Content-Length, None where there is none.

    Raises:
        LimitError: longer than `max_body_bytes`: by its Content-Length before it is read, else while it is.
        RequestError: 408, nothing came for `idle_seconds`, or not all of it within `request_seconds`.
        ClientGoneError: the client hung up first.
    """
    check_length(length, settings)
    message = await receive(request, settings, patience)
    body: bytes = message.get("body", b"")
    check_size(len(body), settings)
    chunks, size = [body], len(body)
    while message.get("more_body", False):
        message = await receive(request, settings, patience)
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        check_size(size, settings)
    return b"".join(chunks)


async def receive(request: Request, settings: Settings, patience: Patience | None) -> Message:
    """The next part of the body; see read_body for what is raised. Without patience only idling is bounded."""
    # Both: who sends a byte now and then would keep a place among the requests in flight for as long as it liked.
    left = patience.until - time.monotonic() if patience else math.inf
    idle = patience is None or settings.idle_seconds < left
    try:
        async with asyncio.timeout(min(settings.idle_seconds, left)):
            message = await request.receive()
    except TimeoutError:
        raise RequestError(
            408,
            f"no more of the body came for {settings.idle_seconds:g} s (setting HEATSVC_IDLE_SECONDS)"
            if idle or patience is None
            else f"the body did not come within {patience.seconds:g} s (setting HEATSVC_REQUEST_SECONDS)",
            headers={"Connection": "close"},
        ) from None
    if message["type"] == "http.disconnect":
        raise ClientGoneError
    return message


def check_length(length: str | None, settings: Settings, setting: str = "max_body_bytes") -> None:
    """Refuse a body by its Content-Length, before any of it is read."""
    if length is not None and length.isascii() and length.isdigit():
        check_size(int(length), settings, setting)


def check_size(size: int, settings: Settings, setting: str = "max_body_bytes") -> None:
    """Raise LimitError for a body of more bytes than a setting allows."""
    limit: int = getattr(settings, setting)
    if size > limit:
        raise LimitError(
            f"the body has {size:,} bytes or more", setting=f"HEATSVC_{setting.upper()}", limit=limit, got=size
        )


class Upload:
    """A body that may take as long as it likes, while it comes.

    Attributes:
        size: bytes that have come.
        more: whether there are more to come.
    """

    def __init__(self, request: Request, settings: Settings) -> None:
        """LimitError where the Content-Length is more than `max_upload_bytes`."""
        check_length(request.headers.get("content-length"), settings, "max_upload_bytes")
        self.size = 0
        self.more = True
        self._request = request
        self._settings = settings
        self._started = time.monotonic()

    async def receive(self) -> bytes:
        """Some more of it.

        Raises:
            LimitError: more than `max_upload_bytes` came.
            RequestError: 408, nothing came for `idle_seconds`, or too little for longer than `request_seconds`.
            ClientGoneError: the client hung up.
        """
        message = await receive(self._request, self._settings, None)
        data: bytes = message.get("body", b"")
        self.more = message.get("more_body", False)
        self.size += len(data)
        check_size(self.size, self._settings, "max_upload_bytes")
        seconds = time.monotonic() - self._started
        if self.more and seconds > self._settings.request_seconds and self.size < _SLOWEST * seconds:
            raise RequestError(
                408,
                f"the body comes at less than {_SLOWEST:,} bytes a second, for longer than "
                f"{self._settings.request_seconds:g} s (setting HEATSVC_REQUEST_SECONDS)",
                headers={"Connection": "close"},
            )
        return data


class Places:
    """Places for requests of a kind that takes long, apart from those in flight that are over soon.

    Attributes:
        taken: how many are.
    """

    def __init__(self, setting: str, limit: int) -> None:
        self.taken = 0
        self._setting = setting
        self._limit = limit

    @property
    def free(self) -> int:
        """How many more may come."""
        return self._limit - self.taken

    @contextmanager
    def place(self) -> Iterator[None]:
        """Have a place for as long as the block takes; 503 where all are taken."""
        if self.free < 1:
            raise busy(f"{self._limit} such requests are in flight already (setting {self._setting})", retry_after=10)
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1


async def finished(work: asyncio.Future[Result]) -> Result:
    """The result of work in a thread. Whoever is cancelled while waiting goes on only when that has ended."""
    try:
        await asyncio.wait((work,))
    except asyncio.CancelledError:
        await asyncio.wait((work,))
        raise
    return work.result()


class Patience:
    """Whether anybody still waits for a request's answer. Threads ask it between pieces of work.

    Attributes:
        seconds: that a request may take.
        until: when they are over, on `time.monotonic`'s clock.
        gone: set when the client has hung up.
    """

    __slots__ = ("gone", "seconds", "until")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.until = time.monotonic() + seconds
        self.gone = False

    def check(self) -> None:
        """Raise ClientGoneError, or 503 when the time is over."""
        if self.gone:
            raise ClientGoneError
        if time.monotonic() > self.until:
            raise self._too_late()

    async def watch(self, request: Request, work: asyncio.Future[Result]) -> Result:
        """The result of work that another thread does; the client is watched meanwhile.

        Raises:
            ClientGoneError: it hung up; the work ends at its next check.
        """
        disconnect = asyncio.ensure_future(request.receive())
        try:
            await asyncio.wait((work, disconnect), return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                self.gone = True
            return await work
        finally:
            disconnect.cancel()

    async def outcome(self, request: Request, work: Future[Result]) -> Result:
        """The result of work that waits for its turn; the client and the time are watched meanwhile.

        Raises:
            ClientGoneError: it hung up. The work is cancelled.
            RequestError: 503, the time is over. The work is cancelled.
        """
        disconnect = asyncio.ensure_future(request.receive())
        waiting = asyncio.wrap_future(work)
        try:
            left = max(0.0, self.until - time.monotonic())
            await asyncio.wait((waiting, disconnect), timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                return waiting.result()
            self.gone = disconnect.done()
            raise ClientGoneError if self.gone else self._too_late()
        finally:
            disconnect.cancel()
            waiting.cancel()

    def _too_late(self) -> RequestError:
        return busy(
            f"the request takes longer than {self.seconds:g} s (setting HEATSVC_REQUEST_SECONDS): "
            "ask for fewer clips, smaller maps or a smaller sigma",
            retry_after=10,
        )
