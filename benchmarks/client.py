"""An asyncio client for loads of many connections, whose responses may differ and may be refusals."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from benchmarks.load import HOST


@dataclass(frozen=True, slots=True)
class Response:
    """A whole response.

    Attributes:
        status: of HTTP.
        headers: by their names in small letters.
        body: without the transfer coding.
        seconds: from sending the request to the last byte of the body.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float


class Connection:
    """A kept connection to a server on this machine, opened by the first request and again after `close`."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect, unless that was done already."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(HOST, self._port)
        return self._streams

    async def send(self, data: bytes, timeout: float) -> Response:
        """Send a request's bytes and read the response.

        Raises:
            OSError, EOFError: the connection is closed before the response ends.
            TimeoutError: the response does not end within `timeout` seconds.
        """
        async with asyncio.timeout(timeout):
            reader, writer = await self.open()
            loop = asyncio.get_running_loop()
            started = loop.time()
            if writer.transport.is_closing():
                raise ConnectionResetError
            writer.write(data)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status, *lines = head.rstrip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            if "content-length" in headers:
                body = await reader.readexactly(int(headers["content-length"]))
            else:
                body = await _read_chunks(reader)
            seconds = loop.time() - started
            if headers.get("connection", "").lower() == "close":
                self.close()
            return Response(int(status.split()[1]), headers, body, seconds)

    async def send_and_disconnect(self, data: bytes, read: int) -> None:
        """Send bytes, read a part of the response, and disconnect in the middle of it.

        Args:
            data: a request or a part of one.
            read: bytes of the response that are read; 0 for none.
        """
        reader, writer = await asyncio.open_connection(HOST, self._port)
        try:
            writer.write(data)
            await writer.drain()
            if read:
                await reader.readexactly(read)
        finally:
            writer.transport.abort()

    def close(self) -> None:
        """Disconnect at once."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    data = bytearray()
    while (line := await reader.readuntil(b"\r\n")) != b"0\r\n":
        data += await reader.readexactly(int(line, 16) + 2)
        del data[-2:]
    await reader.readuntil(b"\r\n")
    return bytes(data)
