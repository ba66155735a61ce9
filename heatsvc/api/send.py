"""BodyResponse: an answer in chunks, of known length, to a client that may stop reading."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, Self

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from heatsvc.api.problems import ClientGoneError

# Up to here an answer is one message: to join its chunks is cheaper than to send them apart.
_ONE_MESSAGE = 1 << 20
# A chunk in transit is held twice; larger ones go out in slices of this size.
_SLICE = 256 << 10
# Bytes a second: a client that takes fewer keeps a place among the requests in flight for too long.
_SLOWEST = 16 << 10

LINE = "heatsvc.line"
"""In a request's scope, where the server has one: the `Line` that it came by."""
WHOLE = "heatsvc.whole"
"""In the start of an answer that may be sent at once: the chunks of its body, which is sent behind it all the same."""


class Line(Protocol):
    """A client's connection, as far as those who answer ask about it."""

    @property
    def is_stopping(self) -> bool:
        """Whether the server wants to stop, and waits for requests to end."""

    def is_there(self) -> bool:
        """Whether the body of the request read last has come as a whole, and so have those before it."""

    def take(self, receive: Receive) -> bytes | None:
        """What `receive` would give at once, and has not given yet: a request's whole body.

        None where that does not come straight from this line, but through a layer that may want to see it; or where
        the body is not there as a whole, or the client waits for a sign to send it, or is gone.
        """

    def answer(self, send: Send, headers: Sequence[tuple[bytes, bytes]], chunks: Sequence[bytes | memoryview]) -> bool:
        """Send what `send` would of a 200 and its body, with its length among the headers, in one piece.

        Returns:
            False where nothing was sent: `send` does not lead straight to this line, but through a layer that may want
            to add something; or the client takes nothing just now, or the connection is to end.
        """

    def unsent(self) -> int:
        """Bytes that are written and not yet taken by the client."""


def is_stopping(scope: Scope) -> bool:
    """Whether the server waits for a request to end, so that it can stop."""
    line: Line | None = scope.get(LINE)
    return line is not None and line.is_stopping


class _Watch:
    """Ends what sends an answer where the client took next to nothing of it in `idle_seconds`.

    Between the two stand buffers of megabytes, which the system refills in large steps: that a slice waits for longer
    does not yet say that the client takes nothing.

    Attributes:
        sent: bytes of the answer that the server has taken from who sends it.

    Args:
        idle_seconds: between two looks.
        unsent: tells how many bytes of the connection are written and not yet taken.
    """

    def __init__(self, idle_seconds: float, unsent: Callable[[], int]) -> None:
        self.sent = 0
        self._seconds = idle_seconds
        self._unsent = unsent
        self._taken = -self._unsent()
        self._gone = False

    def __enter__(self) -> Self:
        """Look now and then, from now on."""
        self._task = asyncio.current_task()
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._look)
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """ClientGoneError in place of the cancellation by which the sending was ended."""
        self._timer.cancel()
        if self._gone and self._task is not None and isinstance(error, asyncio.CancelledError):
            self._task.uncancel()
            raise ClientGoneError from None

    def _look(self) -> None:
        taken = self.sent - self._unsent()
        if taken - self._taken < _SLOWEST * self._seconds:
            self._gone = True
            if self._task is not None:
                self._task.cancel()
            return
        self._taken = taken
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._look)


class BodyResponse(Response):
    """Chunks that are sent one after the other, while the client takes some of them in each `idle_seconds`."""

    def __init__(
        self, chunks: Sequence[bytes | memoryview], headers: list[tuple[bytes, bytes]], idle_seconds: float
    ) -> None:
        self.status_code = 200
        self.background = None
        self.length = sum(map(len, chunks))
        self.raw_headers = [(b"content-length", b"%d" % self.length), *headers]
        self._chunks = chunks
        self._idle_seconds = idle_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; ClientGoneError where the client takes too little for too long."""
        start: Message = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        if self.length <= _ONE_MESSAGE:
            start[WHOLE] = self._chunks
            await send(start)
            if WHOLE in start:
                await send({"type": "http.response.body", "body": b"".join(self._chunks)})
            return
        await send(start)
        line: Line | None = scope.get(LINE)
        with _Watch(self._idle_seconds, line.unsent if line else int) as watch:
            for part in self._slices():
                await send({"type": "http.response.body", "body": part, "more_body": True})
                watch.sent += len(part)
        await send({"type": "http.response.body", "body": b""})

    def _slices(self) -> Iterator[bytes | memoryview]:
        for chunk in self._chunks:
            whole = memoryview(chunk)
            for at in range(0, len(whole), _SLICE):
                yield whole[at : at + _SLICE]
