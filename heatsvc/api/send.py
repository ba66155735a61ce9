"""BodyResponse: an answer in chunks, of known length, to a client that may stop reading."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from heatsvc.api.problems import ClientGoneError

# Up to here an answer is one message: to join its chunks is cheaper than to send them apart.
_ONE_MESSAGE = 1 << 20
# A chunk in transit is held twice; larger ones go out in slices of this size.
_SLICE = 256 << 10
# Bytes a second: a client that takes fewer keeps a place among the requests in flight for too long.
_SLOWEST = 16 << 10

UNSENT = "heatsvc.unsent"
"""In a request's scope, where the server can tell: how many bytes of its connection are written and not yet taken."""

STOPPING = "heatsvc.stopping"
"""In a request's scope, where the server can tell: whether it wants to stop, and waits for this request to end."""


def is_stopping(scope: Scope) -> bool:
    """Whether the server waits for a request to end, so that it can stop."""
    stopping: Callable[[], bool] | None = scope.get(STOPPING)
    return stopping is not None and stopping()


class BodyResponse(Response):
    """Chunks that are sent one after the other, while the client takes some of them in each `idle_seconds`."""

    def __init__(
        self, chunks: Sequence[bytes | memoryview], headers: list[tuple[bytes, bytes]], idle_seconds: float
    ) -> None:
        self.status_code = 200
        self.background = None
        self.length = sum(len(chunk) for chunk in chunks)
        self.raw_headers = [(b"content-length", str(self.length).encode()), *headers]
        self._chunks = [b"".join(chunks)] if self.length <= _ONE_MESSAGE else chunks
        self._idle_seconds = idle_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; ClientGoneError where the client takes too little for too long."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        if self.length <= _ONE_MESSAGE:
            await send({"type": "http.response.body", "body": self._chunks[0]})
            return
        unsent: Callable[[], int] | None = scope.get(UNSENT)
        for part in self._slices():
            await self._taken(send({"type": "http.response.body", "body": part, "more_body": True}), unsent)
        await send({"type": "http.response.body", "body": b""})

    async def _taken(self, sending: Awaitable[None], unsent: Callable[[], int] | None) -> None:
        """Wait until a slice is sent, as long as the client takes something of what was sent before.

        Between the two stand buffers of megabytes, which the system refills in large steps: that a slice waits for
        longer than `idle_seconds` does not yet say that the client takes nothing.
        """
        task = asyncio.ensure_future(sending)
        left = unsent() if unsent else 0
        try:
            while not (await asyncio.wait((task,), timeout=self._idle_seconds))[0]:
                before, left = left, unsent() if unsent else 0
                if before - left < _SLOWEST * self._idle_seconds:
                    raise ClientGoneError
            await task
        finally:
            task.cancel()

    def _slices(self) -> Iterator[bytes | memoryview]:
        for chunk in self._chunks:
            whole = memoryview(chunk)
            for at in range(0, len(whole), _SLICE):
                yield whole[at : at + _SLICE]
