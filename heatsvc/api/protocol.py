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
    """uvicorn's `HttpToolsProtocol`, plus what it has no option for:

    - A request's head has at most 256 KiB, and must arrive within `timeout_keep_alive` seconds.
    - A client must take 16 KiB a second of what is waiting for it, or its connection is closed.
    - Bytes that are not HTTP get a 400 of their own only where no other response is due on the connection.
    - An offer to upgrade to another protocol is ignored, so that the request's body is read.
    - On shutdown the event `stopping` of the lifespan state is set, so that responses without an end can end.

    Times are checked every `timeout_keep_alive` seconds: a connection may last for twice as long.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = self._upgrades = False
        self._was_idle = False
        self._unsent = 0
        self._cycles: list[RequestResponseCycle] = []  # of pipelined requests, the newest last

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
        """Parse some bytes; refuse a head that grows too long."""
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
        """Count the bytes of a head from its second piece on."""
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = 0
        self._was_idle = False

    def on_headers_complete(self) -> None:
        """Stop counting. What follows an upgrade is another protocol to the parser, the body too: it is refused."""
        self._in_head = False
        self._upgrades = self.parser.should_upgrade()
        super().on_headers_complete()
        self._cycles = [*self._pending(), self.cycle]

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be parsed, unless a response to an earlier request is due: then close after that one."""
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
        """The client has taken most of what was waiting for it."""
        super().resume_writing()
        self._unsent = 0

    def shutdown(self) -> None:
        """Tell the application that the server is stopping."""
        super().shutdown()
        if (stopping := self.app_state.get("stopping")) is not None:
            stopping.set()

    def _disconnect(self) -> None:
        """Let the application write nothing more, and learn that the client is gone."""
        for cycle in self._pending():
            cycle.disconnected = True
            cycle.message_event.set()

    def _pending(self) -> list[RequestResponseCycle]:
        """Requests whose responses are not complete; uvicorn itself only keeps track of the newest."""
        return [cycle for cycle in self._cycles if not cycle.response_complete]

    def _check(self) -> None:
        """Abort the connection if neither a request nor the reading of a response got on since the last check."""
        is_idle = self.cycle is None or self.cycle.response_complete
        # Nothing is written while writing is paused or the connection is closing: what is unsent can only shrink.
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
        """Bytes written and not acknowledged, in this process and in the system's socket buffer."""
        size = self.transport.get_write_buffer_size()
        try:
            queued = fcntl.ioctl(self.transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
        except (OSError, ValueError, AttributeError):  # closed, or not available on this system
            return size
        return size + int(struct.unpack("i", queued)[0])


def _without_upgrade(data: bytes) -> bytes:
    """The beginning of a request whose client offers another protocol: HTTP/1.1 goes on (RFC 9110, 7.8)."""
    if _UPGRADE.search(data) is None:
        return data
    head, end, rest = data.partition(b"\r\n\r\n")
    return _UPGRADE.sub(b"\r\nX-Upgrade", head) + end + rest
