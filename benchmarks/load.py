"""A load client that is not the bottleneck: one request's bytes, sent over and over on a few kept connections.

Nothing is built or decoded while the clock runs. A response is read into the connection's buffer and compared with the
expected one, byte for byte; any other response or a closed connection ends the measurement with an error.
"""

from __future__ import annotations

import re
import select
import socket
import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse

HOST = "127.0.0.1"
_HEAD_END = b"\r\n\r\n"
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_LAST_CHUNK = b"0\r\n\r\n"
_MAX_HEAD_BYTES = 64 << 10


class LoadError(RuntimeError):
    """A response that is not the one expected."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request to POST /heatmap.

    Attributes:
        path: with the query.
        body: the request's body.
        content_type: of the body.
        accept: media type of the response; `*/*` leaves it to the server.
        accept_encoding: content coding of the response.
    """

    path: str
    body: bytes
    content_type: str
    accept: str = "*/*"
    accept_encoding: str = "zstd"

    @property
    def headers(self) -> dict[str, str]:
        """The request's headers, without Host and Content-Length."""
        return {"Content-Type": self.content_type, "Accept": self.accept, "Accept-Encoding": self.accept_encoding}

    def wire(self, port: int) -> bytes:
        """The request as it goes over the wire."""
        lines = [f"POST {self.path} HTTP/1.1", f"Host: {HOST}:{port}", f"Content-Length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join(lines).encode() + _HEAD_END + self.body


@dataclass(frozen=True, slots=True)
class Load:
    """What was measured.

    Attributes:
        requests: responses received while the clock ran.
        seconds: on the clock.
    """

    requests: int
    seconds: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def send_request(port: int, request: Request) -> tuple[bytes, dict[str, str]]:
    """Send one request and return the response's body and headers.

    Raises:
        LoadError: any status but 200.
    """
    connection = HTTPConnection(HOST, port, timeout=120)
    try:
        response = open_response(connection, request)
        return response.read(), {name.lower(): value for name, value in response.getheaders()}
    finally:
        connection.close()


def open_response(connection: HTTPConnection, request: Request) -> HTTPResponse:
    """Send one request and return the response with its body still to be read.

    Raises:
        LoadError: any status but 200.
    """
    connection.request("POST", request.path, request.body, request.headers)
    response = connection.getresponse()
    if response.status != 200:
        raise LoadError(f"{request.path}: {response.status} {response.read(2000).decode(errors='replace')}")
    return response


def _chunks(data: bytearray, begin: int, end: int) -> list[tuple[int, int]] | None:
    """Where the chunks of a body (RFC 9112, 7.1) begin and end; None if it is incomplete."""
    found = []
    while (line := data.find(b"\r\n", begin, end)) >= 0:
        size = int(data[begin:line], 16)
        begin = line + 2 + size + 2
        if begin > end:
            return None
        if size == 0:
            return found
        found.append((line + 2, line + 2 + size))
    return None


class _Connection:
    """One kept connection with one request in flight."""

    def __init__(self, port: int, request: bytes, expected: bytes):
        self._request = request
        self._expected = expected
        self._buffers = [bytearray(len(expected) + _MAX_HEAD_BYTES) for _ in range(2)]
        self._filled = self._head = 0
        self._chunked = False
        self.socket = socket.create_connection((HOST, port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self) -> None:
        """Send the request; the response before it remains to be checked."""
        self._keep_last()
        self.socket.sendall(self._request)

    def end(self) -> None:
        """Check the last response of all."""
        self._keep_last()
        self.check_last()

    def _keep_last(self) -> None:
        self._last = self._filled, self._head, self._chunked
        self._buffers.reverse()
        self._filled = self._head = 0

    def receive(self) -> bool:
        """Read what has arrived; True when that completes the response."""
        buffer = self._buffers[0]
        count = self.socket.recv_into(memoryview(buffer)[self._filled :])
        if count == 0:
            raise LoadError(f"connection closed after {self._filled} bytes: {bytes(buffer[:300])!r}")
        self._filled += count
        if not self._head:
            end = buffer.find(_HEAD_END, 0, self._filled)
            if end < 0:
                return False
            self._head = end + len(_HEAD_END)
            self._check_head(bytes(buffer[:end]))
        if self._chunked:
            return (
                buffer.endswith(_LAST_CHUNK, 0, self._filled) and _chunks(buffer, self._head, self._filled) is not None
            )
        return self._filled >= self._head + len(self._expected)

    def check_last(self) -> None:
        """Compare the body of the last complete response with the expected one.

        Called after the next request was sent: a server is not idle while the client compares megabytes.
        """
        buffer, (filled, head, chunked) = self._buffers[1], self._last
        parts = _chunks(buffer, head, filled) if chunked else [(head, filled)]
        if b"".join(buffer[begin:end] for begin, end in parts or ()) != self._expected:
            raise LoadError("a response differs from the first one")

    def _check_head(self, head: bytes) -> None:
        length = _CONTENT_LENGTH.search(head)
        self._chunked = _CHUNKED.search(head) is not None
        is_right = self._chunked or (length is not None and int(length[1]) == len(self._expected))
        if not (head.startswith(b"HTTP/1.1 200 ") and is_right):
            raise LoadError(f"expected 200 with {len(self._expected)} bytes: {head!r}")


def run_load(port: int, request: Request, expected: bytes, *, seconds: float, connections: int = 4) -> Load:
    """Keep `connections` requests in flight for `seconds`.

    Args:
        port: the server's, on this machine.
        request: the request.
        expected: the body that every response must have.
        seconds: for how long; responses in flight at the end are waited for and count with the time they took.
        connections: how many requests are in flight at once.

    Raises:
        LoadError: a response is not the one expected.
    """
    request = request.wire(port)
    clients = [_Connection(port, request, expected) for _ in range(connections)]
    poll = select.epoll()
    try:
        by_number = {client.socket.fileno(): client for client in clients}
        for number in by_number:
            poll.register(number, select.EPOLLIN)
        received = 0
        start = time.perf_counter()
        end = start + seconds
        for client in clients:
            client.send()
        in_flight = connections
        while in_flight:
            ready = poll.poll(60)
            if not ready:
                raise LoadError("no response for a minute")
            for number, _ in ready:
                if not by_number[number].receive():
                    continue
                received += 1
                client = by_number[number]
                if time.perf_counter() < end:
                    client.send()
                    client.check_last()
                else:
                    client.end()
                    in_flight -= 1
        return Load(received, time.perf_counter() - start)
    finally:
        poll.close()
        for client in clients:
            client.socket.close()
