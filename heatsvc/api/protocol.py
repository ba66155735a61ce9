"""The HTTP protocol of a connection: uvicorn's, with bounds on request heads and on clients that do not read."""

from __future__ import annotations

import asyncio
import fcntl
import re
import struct
import termios
from typing import Any

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from heatsvc.api.problems import document

_MAX_HEAD_BYTES = 256 << 10  # a request line and its headers; the query may hold a pipeline
_MIN_BYTES_PER_SECOND = 16 << 10
_BAD_REQUEST = (
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\nconnection: close\r\n"
    b"content-length: %d\r\n\r\n%b"
)
_UPGRADE = re.compile(rb"\r\nupgrade(?=\s*:)", re.IGNORECASE)


class BoundedHttpToolsProtocol(HttpToolsProtocol):
    """uvicorn's `HttpToolsProtocol` with limits for which uvicorn has no options:

    - A request's head may have 256 KiB, and must arrive within `timeout_keep_alive` seconds.
    - A client must read 16 KiB per second of a waiting response, or its connection is closed.
    - Bytes that are not HTTP get a 400 only if no other response is pending on the connection.
    - A request to upgrade to another protocol is ignored, so that its body is read.
    - On shutdown the event `stopping` of the lifespan state is set, so that event streams can end.

    Times are checked every `timeout_keep_alive` seconds, so a connection can last twice as long.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = self._upgrades = False
        self._was_idle = False
        self._unsent = 0
        self._cycles: list[RequestResponseCycle] = []  # pipelined requests, the newest last

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the periodic check."""
        super().connection_made(transport)
        self._timer = self.loop.call_later(self.timeout_keep_alive, self._check)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the periodic check."""
        super().connection_lost(exc)
        self._disconnect()
        self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Parse received bytes; refuse a head that is too long."""
        if self._in_head:
            self._head_bytes += len(data)
        elif not (self.cycle and self.cycle.more_body):
            data = _without_upgrade(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > _MAX_HEAD_BYTES:
            self.send_400_response(f"The request head has more than {_MAX_HEAD_BYTES:,} bytes.")
        elif self._upgrades:
            self.send_400_response("Upgrade is not supported.")

    def on_message_begin(self) -> None:
        """Start counting the bytes of a head, from the second piece on."""
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = 0
        self._was_idle = False

    def on_headers_complete(self) -> None:
        """Stop counting. After an upgrade the parser would treat even the body as another protocol: refuse it."""
        self._in_head = False
        self._upgrades = self.parser.should_upgrade()
        super().on_headers_complete()
        self._cycles = [*self._pending(), self.cycle]

    def send_400_response(self, msg: str) -> None:
        """Respond with 400 to bytes that cannot be parsed; if an earlier response is pending, close after that one."""
        pending = self._pending()
        if len(pending) > 1 or any(cycle.response_started or not cycle.more_body for cycle in pending):
            pending[-1].keep_alive = False
            self.flow.pause_reading()
        elif not self.transport.is_closing():
            body = orjson.dumps(document(400, f"{msg} See RFC 9112 for HTTP/1.1."))
            self.transport.write(_BAD_REQUEST % (len(body), body))
            self.transport.close()
            self._disconnect()

    def resume_writing(self) -> None:
        """Continue writing: the client has read most of the buffered response."""
        super().resume_writing()
        self._unsent = 0

    def shutdown(self) -> None:
        """Tell the application that the server is stopping."""
        super().shutdown()
        if (stopping := self.app_state.get("stopping")) is not None:
            stopping.set()

    def _disconnect(self) -> None:
        """Drop further writes of the application, and tell it that the client has disconnected."""
        for cycle in self._pending():
            cycle.disconnected = True
            cycle.message_event.set()

    def _pending(self) -> list[RequestResponseCycle]:
        """Requests whose responses are not complete; uvicorn itself only tracks the newest one."""
        return [cycle for cycle in self._cycles if not cycle.response_complete]

    def _check(self) -> None:
        """Abort the connection if neither the request nor the response made progress since the last check."""
        is_idle = self.cycle is None or self.cycle.response_complete
        # Nothing is written while writing is paused or the connection is closing, so the unsent bytes only decrease.
        unsent = self._unsent_bytes() if self.flow.write_paused or self.transport.is_closing() else 0
        taken = self._unsent - unsent
        is_slow = unsent and self._unsent and taken < _MIN_BYTES_PER_SECOND * self.timeout_keep_alive
        if is_slow or (is_idle and self._was_idle and not unsent):
            self._disconnect()
            self.transport.abort()
            return
        self._was_idle = is_idle
        self._unsent = unsent
        self._timer = self.loop.call_later(self.timeout_keep_alive, self._check)

    def _unsent_bytes(self) -> int:
        """Bytes that are written but not acknowledged, in this process and in the system's socket buffer."""
        size = self.transport.get_write_buffer_size()
        try:
            queued = fcntl.ioctl(self.transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
        except (OSError, ValueError, AttributeError):  # closed, or not supported by this system
            return size
        return size + int(struct.unpack("i", queued)[0])


def _without_upgrade(data: bytes) -> bytes:
    """Remove the offer to upgrade from the head of a request, which goes on with HTTP/1.1 (RFC 9110, 7.8)."""
    if _UPGRADE.search(data) is None:
        return data
    head, end, rest = data.partition(b"\r\n\r\n")
    return _UPGRADE.sub(b"\r\nX-Upgrade", head) + end + rest
