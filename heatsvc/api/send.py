"""BodyResponse: an answer in chunks, of known length, to a client that may stop reading."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from heatsvc.api.problems import ClientGoneError

# Up to here an answer is one message: to join its chunks is cheaper than to send them apart.
_ONE_MESSAGE = 1 << 20
# A chunk in transit is held twice; larger ones go out in slices of this size.
_SLICE = 256 << 10


class BodyResponse(Response):
    """Chunks that are sent one after the other, each within `idle_seconds`."""

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
        """Send it; ClientGoneError where the client takes nothing for too long."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        if self.length <= _ONE_MESSAGE:
            await send({"type": "http.response.body", "body": self._chunks[0]})
            return
        for part in self._slices():
            try:
                async with asyncio.timeout(self._idle_seconds):
                    await send({"type": "http.response.body", "body": part, "more_body": True})
            except TimeoutError:
                raise ClientGoneError from None
        await send({"type": "http.response.body", "body": b""})

    def _slices(self) -> Iterator[bytes | memoryview]:
        for chunk in self._chunks:
            whole = memoryview(chunk)
            for at in range(0, len(whole), _SLICE):
                yield whole[at : at + _SLICE]
