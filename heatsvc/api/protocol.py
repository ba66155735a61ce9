"""The HTTP protocol of a connection: uvicorn's, with bounds on request heads and on clients that do not read."""

from __future__ import annotations

import asyncio
import fcntl
import struct
import termios
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_MAX_HEAD_BYTES = 256 << 10  # a request line and its headers; the query may hold a pipeline
_MIN_BYTES_PER_SECOND = 16 << 10


class BoundedHttpToolsProtocol(HttpToolsProtocol):
    """uvicorn's `HttpToolsProtocol`, plus what it has no option for.

    - A request's head has at most 256 KiB and must arrive within `timeout_keep_alive` seconds.
    - A connection is closed whose client takes less than 16 KiB a second of a response that is waiting for it.
    - Bytes that are not HTTP get a 400 of their own only where no other response is due on the connection.
    - On shutdown the lifespan state's event `stopping` is set, so that responses without an end can end themselves.

    Both times are checked every `timeout_keep_alive` seconds: a connection lasts for up to twice as long.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._timer: asyncio.TimerHandle | None = None
        self._in_head = False
        self._head_bytes = 0
        self._was_idle = False
        self._unsent = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the periodic check."""
        super().connection_made(transport)
        self._schedule_check()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the periodic check."""
        super().connection_lost(exc)
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Parse some bytes; refuse a head that grows too long."""
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > _MAX_HEAD_BYTES:
            self.send_400_response(f"The request head has more than {_MAX_HEAD_BYTES} bytes.")

    def on_message_begin(self) -> None:
        """Count the bytes of a head from its second piece on."""
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = 0
        self._was_idle = False

    def on_headers_complete(self) -> None:
        """Stop counting."""
        self._in_head = False
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be parsed, unless a response to an earlier request is due: then close after that one."""
        cycle = self.cycle
        if self.transport.is_closing():
            return
        if cycle is not None and not cycle.response_complete and (cycle.response_started or not cycle.more_body):
            cycle.keep_alive = False
            self.flow.pause_reading()
            return
        super().send_400_response(msg)
        if cycle is not None:  # the application must not respond as well
            cycle.disconnected = True
            cycle.message_event.set()

    def resume_writing(self) -> None:
        """The client has taken most of what was waiting for it."""
        super().resume_writing()
        self._unsent = 0

    def shutdown(self) -> None:
        """Tell the application that the server is stopping."""
        super().shutdown()
        if (stopping := self.app_state.get("stopping")) is not None:
            stopping.set()

    def _schedule_check(self) -> None:
        self._timer = self.loop.call_later(self.timeout_keep_alive, self._check)

    def _check(self) -> None:
        """Abort the connection if neither a request nor the reading of a response got on since the last check."""
        is_idle = self.cycle is None or self.cycle.response_complete
        # Nothing is written while writing is paused or the connection is closing: what is unsent can only shrink.
        unsent = self._unsent_bytes() if self.flow.write_paused or self.transport.is_closing() else 0
        taken = self._unsent - unsent
        if (is_idle and self._was_idle and not unsent) or (
            unsent and self._unsent and taken < _MIN_BYTES_PER_SECOND * self.timeout_keep_alive
        ):
            self.transport.abort()
            return
        self._was_idle = is_idle
        self._unsent = unsent
        self._schedule_check()

    def _unsent_bytes(self) -> int:
        """Bytes written and not yet acknowledged: in this process and, where the system says, in its socket buffer."""
        size = self.transport.get_write_buffer_size()
        try:
            queued = fcntl.ioctl(self.transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
        except (OSError, ValueError, AttributeError):  # closed, or not available on this system
            return size
        return size + int(struct.unpack("i", queued)[0])
