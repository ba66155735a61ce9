"""Writer: a transport that sends an answer's head together with what follows it at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

# Whatever is longer is no head: it goes out as it comes.
_LONGEST_HEAD = 4 << 10


class Writer:
    """What uvicorn writes to: the head of an answer and its body come as two writes, and go to the system as one.

    Each call of the system costs as much as drawing some hundred points. A head whose body is not there when the event
    loop goes on goes out alone.

    Args:
        transport: that it stands for, in all but what is written.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: bytes | None = None
        self._sending: asyncio.Handle | None = None
        self.is_closing = transport.is_closing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes | memoryview) -> None:
        """Send it, behind what is held; or hold it for a moment, where it is short and nothing is held."""
        if self._held is not None:
            held = self._take()
            if not self.is_closing():
                self._transport.writelines((held, data))
        elif isinstance(data, bytes) and len(data) <= _LONGEST_HEAD:
            self._held = data
            self._sending = self._loop.call_soon(self.flush)
        else:
            self._transport.write(data)

    def write_all(self, parts: Sequence[bytes | memoryview]) -> None:
        """Send a whole answer, behind what is held."""
        self.flush()
        self._transport.writelines(parts)

    def get_write_buffer_size(self) -> int:
        """Bytes that are written and not yet taken by the system."""
        return self._transport.get_write_buffer_size() + len(self._held or b"")

    def close(self) -> None:
        """Close the connection once all is sent."""
        self.flush()
        self._transport.close()

    def flush(self) -> None:
        """Send what is held, unless the connection is closed already."""
        if self._held is not None:
            held = self._take()
            if not self.is_closing():
                self._transport.write(held)

    def _take(self) -> bytes:
        held, self._held = self._held or b"", None
        if self._sending is not None:
            self._sending.cancel()
            self._sending = None
        return held
