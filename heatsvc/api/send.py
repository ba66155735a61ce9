"""BodyResponse: a response in chunks, of known length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

# Up to here a response is one message: to join its chunks is cheaper than to send them apart.
_ONE_MESSAGE = 1 << 20
# A chunk in transit is held twice; larger ones go out in slices of this size.
_SLICE = 256 << 10


class BodyResponse(Response):
    """Chunks that are sent one after the other."""

    def __init__(self, chunks: Sequence[bytes | memoryview], headers: list[tuple[bytes, bytes]]) -> None:
        self.status_code = 200
        self.background = None
        self.length = sum(map(len, chunks))
        self.raw_headers = [(b"content-length", b"%d" % self.length), *headers]
        self._chunks = chunks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        if self.length <= _ONE_MESSAGE:
            await send({"type": "http.response.body", "body": b"".join(self._chunks)})
            return
        for part in self._slices():
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    def _slices(self) -> Iterator[bytes | memoryview]:
        for chunk in self._chunks:
            whole = memoryview(chunk)
            for at in range(0, len(whole), _SLICE):
                yield whole[at : at + _SLICE]
