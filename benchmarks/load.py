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


def join_chunks(data: bytes | bytearray | memoryview) -> bytes | None:
    """The body that is sent in the chunked transfer coding (RFC 9112, 7.1); None while it is incomplete."""
    data = bytes(data)
    if not data.endswith(_LAST_CHUNK):
        return None
    parts = []
    begin = 0
    while (line := data.find(b"\r\n", begin)) >= 0:
        size = int(data[begin:line], 16)
        if size == 0:
            return b"".join(parts)
        parts.append(data[line + 2 : line + 2 + size])
        begin = line + 2 + size + 2
    return None


class _Connection:
    """One kept connection with one request in flight."""

    def __init__(self, port: int, request: bytes, expected: bytes):
        self._request = request
        self._expected = expected
        self._buffer = bytearray(len(expected) + _MAX_HEAD_BYTES)
        self._view = memoryview(self._buffer)
        self._filled = 0
        self._head = 0
        self._chunked = False
        self.socket = socket.create_connection((HOST, port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self) -> None:
        self._filled = self._head = 0
        self.socket.sendall(self._request)

    def receive(self) -> bool:
        """Read what has arrived; True when that completes the response."""
        count = self.socket.recv_into(self._view[self._filled :])
        if count == 0:
            raise LoadError(f"connection closed after {self._filled} bytes: {bytes(self._buffer[:300])!r}")
        self._filled += count
        if not self._head:
            end = self._buffer.find(_HEAD_END, 0, self._filled)
            if end < 0:
                return False
            self._head = end + len(_HEAD_END)
            self._check_head(bytes(self._buffer[:end]))
        if self._chunked:
            if not self._buffer.endswith(_LAST_CHUNK, 0, self._filled):
                return False
            body = join_chunks(self._view[self._head : self._filled])
            if body is None:
                return False
            if body != self._expected:
                raise LoadError("a response differs from the first one")
            return True
        if self._filled < self._head + len(self._expected):
            return False
        if self._filled > self._head + len(self._expected):
            raise LoadError("more bytes than Content-Length")
        if not self._buffer.startswith(self._expected, self._head):
            raise LoadError("a response differs from the first one")
        return True

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
                if time.perf_counter() < end:
                    by_number[number].send()
                else:
                    in_flight -= 1
        return Load(received, time.perf_counter() - start)
    finally:
        poll.close()
        for client in clients:
            client.socket.close()
