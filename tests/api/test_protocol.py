"""The bounds of a connection, on a server in this process whose clients must be quick."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import select
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from heatsvc.api.protocol import BoundedHttpToolsProtocol
from tests.live.server import read_all

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"


class App:
    """An application that responds when it is released, with the number of bytes in the path."""

    def __init__(self) -> None:
        self.may_respond = threading.Event()
        self.may_respond.set()
        self.stopping = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            scope["state"]["stopping"] = self.stopping
            for phase in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{phase}.complete"})
            return
        while not self.may_respond.is_set():
            await asyncio.sleep(0.01)
        size = int(scope["path"].split("/")[1] or 1)
        headers = [(b"content-length", b"%d" % size)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        parts = 20 if scope["path"].endswith("/many") else 1
        for number in range(1, parts + 1):
            await send({"type": "http.response.body", "body": bytes(size // parts), "more_body": number < parts})


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture
def server(app: App) -> uvicorn.Server:
    return uvicorn.Server(uvicorn.Config(app, log_config=None, http=BoundedHttpToolsProtocol, timeout_keep_alive=1))


@pytest.fixture
def address(server: uvicorn.Server) -> Iterator[tuple[str, int]]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])))
        thread.start()
        try:
            yield listening.getsockname()
        finally:
            server.should_exit = True
            thread.join()


def connect(address: tuple[str, int]) -> socket.socket:
    return socket.create_connection(address, timeout=30)


def trickle(client: socket.socket, drop: bytes) -> None:
    """Send some bytes now and then until the server ends the connection."""
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        for _ in range(300):
            client.sendall(drop)
            time.sleep(0.1)
        raise AssertionError("the connection lasts")


def statuses(data: bytes) -> list[bytes]:
    return re.findall(rb"HTTP/1\.1 (\d+)", data)


def test_a_head_that_is_too_long_is_refused(address: tuple[str, int]) -> None:
    with connect(address) as client:
        client.sendall(b"GET / HTTP/1.1\r\nX-A: ")
        sent = 0
        while not select.select([client], [], [], 0.02)[0]:
            client.sendall(b"a" * (32 << 10))
            sent += 32 << 10
        assert sent <= 512 << 10
        assert statuses(read_all(client)) == [b"400"]


def test_a_long_query_is_not_too_long(address: tuple[str, int]) -> None:
    with connect(address) as client:
        client.sendall(b"GET /1?" + b"a" * (60 << 10) + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert statuses(read_all(client)) == [b"200"]


@pytest.mark.parametrize("drop", [b"X", b"X-A: b\r\n", b"\r\n"])
def test_a_head_that_comes_in_drops_ends_the_connection(address: tuple[str, int], drop: bytes) -> None:
    with connect(address) as client:
        client.sendall(b"" if drop == b"\r\n" else b"GET / HTTP/1.1\r\n")
        trickle(client, drop)


@pytest.mark.parametrize("size", [1, 270_000, 2_000_000])
def test_an_unread_body_is_discarded_and_the_next_request_is_served(address: tuple[str, int], size: int) -> None:
    with connect(address) as client:
        client.sendall(POST % size)
        assert statuses(client.recv(1000)) == [b"200"]
        client.sendall(bytes(size) + b"GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert statuses(read_all(client)) == [b"200"]


def test_an_unread_body_that_goes_on_for_too_long_ends_the_connection(address: tuple[str, int]) -> None:
    with connect(address) as client:
        client.sendall(POST % 10**12)
        trickle(client, bytes(1000))


UPGRADE = b"POST %b HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: %d\r\n\r\n"
LAST = b"GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("pause", [0, 0.1])
def test_an_offer_to_upgrade_is_ignored_and_the_body_is_a_body(address: tuple[str, int], pause: float) -> None:
    with connect(address) as client:
        client.sendall(UPGRADE % (b"/1", len(LAST)))
        time.sleep(pause)
        client.sendall(LAST)  # the body, which looks like a request
        assert statuses(client.recv(1000)) == [b"200"]
        client.sendall(LAST)
        assert statuses(read_all(client)) == [b"200"]


def test_an_upgrade_that_is_seen_too_late_gets_one_response(address: tuple[str, int]) -> None:
    head, value = (UPGRADE % (b"/1", len(LAST))).split(b"Upgrade: ")
    with connect(address) as client:
        client.sendall(head + b"Upg")
        time.sleep(0.1)
        client.sendall(b"rade: " + value + LAST)
        assert statuses(read_all(client)) == [b"200"]


def test_bytes_that_are_not_http_get_a_problem_document(address: tuple[str, int]) -> None:
    with connect(address) as client:
        client.sendall(b"FOO / HTTP/1.1\r\nHost: x\r\n\r\n")
        head, _, body = read_all(client).partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    assert json.loads(body)["status"] == 400


def test_broken_bytes_behind_a_request_get_no_response_of_their_own(app: App, address: tuple[str, int]) -> None:
    app.may_respond.clear()
    with connect(address) as client:
        client.sendall(GET + b"\0\0\0")
        time.sleep(0.2)
        app.may_respond.set()
        assert statuses(read_all(client)) == [b"200"]


def test_pipelined_requests_end_with_the_connection(
    app: App, server: uvicorn.Server, address: tuple[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(address)
        client.sendall(b"GET /20000000/many HTTP/1.1\r\nHost: a\r\n\r\n" * 5)
        client.recv(100)
    deadline = time.monotonic() + 30
    while server.server_state.tasks or server.server_state.connections:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_a_broken_body_gets_one_response(app: App, address: tuple[str, int]) -> None:
    app.may_respond.clear()
    with connect(address) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
        assert statuses(client.recv(1000)) == [b"400"]
        app.may_respond.set()
        assert read_all(client) == b""


@pytest.mark.parametrize("last", [b"", b"Connection: close\r\n"])
def test_a_client_that_does_not_read_is_disconnected(
    server: uvicorn.Server, address: tuple[str, int], last: bytes
) -> None:
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(30)
        client.connect(address)
        client.sendall(b"GET /20000000 HTTP/1.1\r\nHost: a\r\n" + last + b"\r\n")
        client.recv(100)
        deadline = time.monotonic() + 30
        while server.server_state.connections:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_a_slow_reader_gets_all(address: tuple[str, int]) -> None:
    with connect(address) as client:
        client.sendall(b"GET /20000000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        received = 0
        while part := client.recv(200_000):
            received += len(part)
            time.sleep(0.03)
        assert received > 20_000_000


def test_the_application_learns_that_the_server_is_stopping(
    app: App, server: uvicorn.Server, address: tuple[str, int]
) -> None:
    app.may_respond.clear()
    with connect(address) as client:
        client.sendall(GET)
        while not server.server_state.tasks:
            time.sleep(0.01)
        assert not app.stopping.is_set()
        server.should_exit = True
        while not app.stopping.is_set():
            time.sleep(0.01)
        app.may_respond.set()
        assert statuses(read_all(client)) == [b"200"]
