"""A load client that is not the bottleneck: one request's bytes, sent over and over on a few kept connections.

Nothing is built or decoded while the clock runs. An answer is read into one buffer a connection and compared with the
answer that is expected, byte for byte; all else, a status but 200, a body of another length, a closed connection,
ends the measurement with an error.
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
_ROOM_FOR_HEAD = 64 << 10


class LoadError(RuntimeError):
    """An answer that is not the one expected."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request: what is sent, as the bytes of a kept connection.

    Attributes:
        path: with the query.
        body: the request's body.
        content_type: of the body.
        accept: of the answer; `*/*` leaves it to the server.
    """

    path: str
    body: bytes
    content_type: str
    accept: str = "*/*"

    @property
    def headers(self) -> dict[str, str]:
        """The request's headers, without Host and Content-Length."""
        return {"Content-Type": self.content_type, "Accept": self.accept, "Accept-Encoding": "zstd"}

    def wire(self, port: int) -> bytes:
        """The request as it goes over the wire."""
        lines = [f"POST {self.path} HTTP/1.1", f"Host: {HOST}:{port}", f"Content-Length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join(lines).encode() + _HEAD_END + self.body


@dataclass(frozen=True, slots=True)
class Load:
    """What was measured.

    Attributes:
        requests: answers received while the clock ran.
        seconds: on the clock.
        client_seconds: of processor time the client spent; near `seconds` it would be the bottleneck itself.
    """

    requests: int
    seconds: float
    client_seconds: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def ask(port: int, exchange: Exchange) -> tuple[bytes, dict[str, str]]:
    """Send one request and return the answer's body and headers.

    Raises:
        LoadError: any status but 200.
    """
    connection = HTTPConnection(HOST, port, timeout=120)
    try:
        answer = open_answer(connection, exchange)
        return answer.read(), {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


def open_answer(connection: HTTPConnection, exchange: Exchange) -> HTTPResponse:
    """Send one request and return the answer with its body still to be read.

    Raises:
        LoadError: any status but 200.
    """
    connection.request("POST", exchange.path, exchange.body, exchange.headers)
    answer = connection.getresponse()
    if answer.status != 200:
        raise LoadError(f"{exchange.path}: {answer.status} {answer.read(2000).decode(errors='replace')}")
    return answer


class _Connection:
    """One kept connection with one request in flight."""

    def __init__(self, port: int, request: bytes, expected: bytes):
        self._request = request
        self._expected = expected
        self._buffer = bytearray(len(expected) + _ROOM_FOR_HEAD)
        self._view = memoryview(self._buffer)
        self._filled = 0
        self._head = 0
        self.socket = socket.create_connection((HOST, port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self) -> None:
        self._filled = self._head = 0
        self.socket.sendall(self._request)

    def receive(self) -> bool:
        """Read what has arrived; True when that completes the answer."""
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
        if self._filled < self._head + len(self._expected):
            return False
        if self._filled > self._head + len(self._expected):
            raise LoadError("more bytes than Content-Length tells")
        if not self._buffer.startswith(self._expected, self._head):
            raise LoadError("an answer differs from the first one")
        return True

    def _check_head(self, head: bytes) -> None:
        length = _CONTENT_LENGTH.search(head)
        right = head.startswith(b"HTTP/1.1 200 ") and length and int(length[1]) == len(self._expected)
        if not right:
            raise LoadError(f"not the answer expected, 200 with {len(self._expected)} bytes: {head!r}")


def run_load(
    port: int, exchange: Exchange, expected: bytes, *, seconds: float, connections: int = 4, limit: int = 1_000_000
) -> Load:
    """Keep `connections` requests in flight for `seconds`, or until `limit` answers have come.

    Args:
        port: the server's, on this machine.
        exchange: the request.
        expected: the body that every answer must have.
        seconds: for how long; answers in flight at the end are waited for and count with the time they took.
        connections: how many requests are in flight at once.
        limit: how many requests at most.

    Raises:
        LoadError: an answer is not the one expected.
    """
    request = exchange.wire(port)
    clients = [_Connection(port, request, expected) for _ in range(connections)]
    poll = select.epoll()
    try:
        by_number = {client.socket.fileno(): client for client in clients}
        for number in by_number:
            poll.register(number, select.EPOLLIN)
        received = 0
        busy = time.process_time()
        start = time.perf_counter()
        end = start + seconds
        for client in clients:
            client.send()
        in_flight = connections
        while in_flight:
            ready = poll.poll(60)
            if not ready:
                raise LoadError("no answer for a minute")
            for number, _ in ready:
                if not by_number[number].receive():
                    continue
                received += 1
                if received + in_flight <= limit and time.perf_counter() < end:
                    by_number[number].send()
                else:
                    in_flight -= 1
        return Load(received, time.perf_counter() - start, time.process_time() - busy)
    finally:
        poll.close()
        for client in clients:
            client.socket.close()
