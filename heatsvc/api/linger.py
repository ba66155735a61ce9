"""Linger: a refusal that reaches a client which is still sending.

A connection that is closed while there is something unread on it is reset, and with it goes the answer: a client that
sends gigabytes would see "connection reset" in place of what is wrong with its options. So what still comes is taken,
and thrown away, until the client has read the answer and stops, or for some seconds.
"""

from __future__ import annotations

import asyncio

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send


class TrackedReceive:
    """A request's receive, and whether there is more of the body to come.

    Attributes:
        more: until the last of it has come, or the client has gone.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.more = True

    async def __call__(self) -> Message:
        """The next message."""
        message = await self._receive()
        self.more = message["type"] == "http.request" and message.get("more_body", False)
        return message


class Lingering(Response):
    """Another response, sent whole at once and ended when the request has."""

    def __init__(self, response: Response, body: TrackedReceive, seconds: float) -> None:
        self.status_code = response.status_code
        self.background = None
        self.raw_headers = response.raw_headers
        self.body = response.body
        self._request_body = body
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        try:
            async with asyncio.timeout(self._seconds):
                while self._request_body.more:
                    await self._request_body()
        except TimeoutError:
            pass
        await send({"type": "http.response.body", "body": b""})
