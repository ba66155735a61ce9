"""Connection: uvicorn's, with an end to waiting for a request's head, and for a client that takes nothing.

uvicorn bounds neither how long a head may take nor how long it may be, and closes a connection only once all that was
written has been taken: a few thousand silent clients would keep a socket and a buffer each for as long as they liked.
"""

from __future__ import annotations

import asyncio
import fcntl
import struct
import termios
from collections.abc import Sequence
from typing import Any

from starlette.types import Receive, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from heatsvc.api.send import LINE
from heatsvc.api.writer import Writer

# Of a request line and its headers; a pipeline may stand in the query.
_LONGEST_HEAD = 256 << 10
# Bytes that are written and not yet sent before an answer waits: several clips, which then go to the system together.
_MOST_WRITTEN = 512 << 10


class Connection(HttpToolsProtocol):
    """One client's connection, a `Line`. `timeout_keep_alive` counts for all kinds of waiting.

    Attributes:
        is_stopping: whether the server wants to stop, and waits for requests to end.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._in_head = False
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._unsent = 0
        self._unsent_timer: asyncio.TimerHandle | None = None
        self.is_stopping = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request, not forever."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(_MOST_WRITTEN)
        self._writer = Writer(transport, self.loop)
        self.transport = self._writer  # type: ignore[assignment]
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        super().connection_lost(exc)
        self._stop_waiting()
        self._taken()

    def eof_received(self) -> None:
        """The client sends nothing more; the loop now closes what the writer stands for, and asks nobody."""
        self._writer.flush()
        super().eof_received()

    def data_received(self, data: bytes) -> None:
        """Some of a request. What is behind a whole head is bounded as a body, elsewhere."""
        self._head_bytes += len(data)
        super().data_received(data)
        idle = self.cycle is None or self.cycle.response_complete
        if not (self._in_head or idle):
            return
        if self._head_bytes > _LONGEST_HEAD:
            if not self.transport.is_closing():
                self.send_400_response(f"The request's head has more than {_LONGEST_HEAD} bytes.")
        elif self._head_timer is None and self.timeout_keep_alive_task is None:
            self._await_head()

    def on_message_begin(self) -> None:
        """A request line begins."""
        super().on_message_begin()
        self._in_head = True
        self.scope[LINE] = self  # type: ignore[literal-required]

    def on_headers_complete(self) -> None:
        """A head ends."""
        self._in_head = False
        self._head_bytes = 0
        self._stop_waiting()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """A body ends."""
        self._head_bytes = 0
        super().on_message_complete()

    def shutdown(self) -> None:
        """The server stops once every request is answered: those that only wait for something can tell."""
        self.is_stopping = True
        super().shutdown()

    def is_there(self) -> bool:
        """As `Line` has it."""
        return not self.cycle.more_body

    def take(self, receive: Receive) -> bytes | None:
        """As `Line` has it."""
        cycle = self.cycle
        if receive != cycle.receive or cycle.more_body or cycle.waiting_for_100_continue or cycle.disconnected:
            return None
        # What the cycle's own `receive` does, without a task's way there and back.
        self.flow.resume_reading()
        cycle.message_event.clear()
        body, cycle.body = bytes(cycle.body), bytearray()
        return body

    def answer(self, send: Send, headers: Sequence[tuple[bytes, bytes]], chunks: Sequence[bytes | memoryview]) -> bool:
        """As `Line` has it."""
        cycle = self.cycle
        if (
            send != cycle.send
            or cycle.response_started
            or cycle.disconnected
            or cycle.access_log
            or not cycle.keep_alive
            or self.flow.write_paused
            or self.transport.is_closing()
        ):
            return False
        # What the cycle's own `send` does, but for a look at each header for what none of these holds.
        lines = [b"HTTP/1.1 200 OK\r\n"]
        for name, value in (*cycle.default_headers, *headers):
            lines += name, b": ", value, b"\r\n"
        lines.append(b"\r\n")
        cycle.response_started = cycle.response_complete = True
        self._writer.write_all((b"".join(lines), *chunks))
        cycle.message_event.set()
        cycle.on_response()
        return True

    def unsent(self) -> int:
        """Bytes that are written and not yet taken: in this process and, where it tells, in the system (SIOCOUTQ)."""
        size: int = self.transport.get_write_buffer_size()
        try:
            queued = fcntl.ioctl(self.transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
        except (OSError, ValueError, AttributeError):  # closed, or a system that does not tell
            return size
        return size + int(struct.unpack("i", queued)[0])

    def pause_writing(self) -> None:
        """More is written than the client takes."""
        super().pause_writing()
        self._await_taking()

    def resume_writing(self) -> None:
        """The client took most of it."""
        super().resume_writing()
        self._taken()

    def timeout_keep_alive_handler(self) -> None:
        """No further request: close, also where the last answer is not taken."""
        super().timeout_keep_alive_handler()
        self._await_taking()

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self.timeout_keep_alive, self._head_too_slow)

    def _head_too_slow(self) -> None:
        self._head_timer = None
        self.transport.abort()

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _await_taking(self) -> None:
        """Look again after a while, a little longer than the sender of the answer waits; see `api.send`."""
        self._taken()
        self._unsent = self.unsent()
        self._unsent_timer = self.loop.call_later(self.timeout_keep_alive + 0.5, self._look)

    def _look(self) -> None:
        """Go on waiting for a client that took something; leave one that took nothing."""
        self._unsent_timer = None
        left = self.unsent()
        if left >= self._unsent:
            self.transport.abort()
        elif left:
            self._await_taking()

    def _taken(self) -> None:
        if self._unsent_timer is not None:
            self._unsent_timer.cancel()
            self._unsent_timer = None
