"""Limits: how long and how large a request may be, while it arrives, is worked on, and is answered."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TypeVar

from starlette.requests import Request
from starlette.types import Message

from heatsvc.api.problems import ClientGoneError, RequestError, busy
from heatsvc.errors import LimitError
from heatsvc.settings import Settings

Result = TypeVar("Result")


async def read_body(request: Request, settings: Settings, patience: Patience) -> bytes:
    """The whole body.

    Raises:
        LimitError: longer than `max_body_bytes`: by its Content-Length before it is read, else while it is.
        RequestError: 408, nothing came for `idle_seconds`, or not all of it within `request_seconds`.
        ClientGoneError: the client hung up first.
    """
    check_length(request, settings)
    message = await receive(request, settings, patience)
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        check_size(len(body), settings)
        return body
    chunks, size = [body], len(body)
    while message.get("more_body", False):
        message = await receive(request, settings, patience)
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        check_size(size, settings)
    return b"".join(chunks)


async def receive(request: Request, settings: Settings, patience: Patience) -> Message:
    """The next part of the body; see read_body for what is raised."""
    # Both: who sends a byte now and then would keep a place among the requests in flight for as long as it liked.
    left = patience.until - time.monotonic()
    idle = settings.idle_seconds < left
    try:
        async with asyncio.timeout(min(settings.idle_seconds, left)):
            message = await request.receive()
    except TimeoutError:
        raise RequestError(
            408,
            f"no more of the body came for {settings.idle_seconds:g} s (setting HEATSVC_IDLE_SECONDS)"
            if idle
            else f"the body did not come within {patience.seconds:g} s (setting HEATSVC_REQUEST_SECONDS)",
            headers={"Connection": "close"},
        ) from None
    if message["type"] == "http.disconnect":
        raise ClientGoneError
    return message


def check_length(request: Request, settings: Settings) -> None:
    """Refuse a body by its Content-Length, before any of it is read."""
    length = request.headers.get("content-length")
    if length is not None and length.isascii() and length.isdigit():
        check_size(int(length), settings)


def check_size(size: int, settings: Settings) -> None:
    """Raise LimitError for a body of more than `max_body_bytes`."""
    if size > settings.max_body_bytes:
        raise LimitError(
            f"the body has {size:,} bytes or more",
            setting="HEATSVC_MAX_BODY_BYTES",
            limit=settings.max_body_bytes,
            got=size,
        )


@dataclass(slots=True)
class Patience:
    """Whether anybody still waits for a request's answer. Threads ask it between pieces of work.

    Attributes:
        seconds: that a request may take.
        until: when they are over, on `time.monotonic`'s clock.
        gone: set when the client has hung up.
    """

    seconds: float
    until: float = field(init=False)
    gone: bool = False

    def __post_init__(self) -> None:
        self.until = time.monotonic() + self.seconds

    def check(self) -> None:
        """Raise ClientGoneError, or 503 when the time is over."""
        if self.gone:
            raise ClientGoneError
        if time.monotonic() > self.until:
            raise busy(
                f"the request takes longer than {self.seconds:g} s (setting HEATSVC_REQUEST_SECONDS): "
                "ask for fewer clips, smaller maps or a smaller sigma",
                retry_after=10,
            )

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
