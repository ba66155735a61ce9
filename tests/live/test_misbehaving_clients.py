"""Clients that stop sending, stop reading or disconnect: their connections end, and other requests are served."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from contextlib import suppress

import pytest

from tests.live.server import (
    ENDLESS,
    ENDLESS_QUERY,
    IDLE_SECONDS,
    LARGE,
    LARGE_QUERY,
    SMALL,
    Live,
    read_all,
    request,
    until,
)

NPY = "application/x-npy"
LARGE_REQUEST = request(LARGE, "Accept-Encoding: identity", query=LARGE_QUERY, media_type=NPY)
ENDLESS_REQUEST = request(ENDLESS, "Accept-Encoding: zstd", query=ENDLESS_QUERY, media_type=NPY)
KEEP = "Connection: keep-alive"


def status_of(response: bytes) -> bytes:
    return response.split(b" ", 2)[1] if response else b""


@pytest.mark.parametrize("extra", [b"x", b"{}" * 1000, b"\0" * 100_000, b"GET / HTTP/1.1\r\nHost: a\r\n"])
def test_a_body_longer_than_its_content_length(live: Live, extra: bytes) -> None:
    logged = live.logged()
    with live.connect() as wire:
        wire.sendall(request(SMALL, KEEP) + extra)
        with suppress(ConnectionResetError):  # it may close with some of the rest unread
            assert status_of(read_all(wire)) in (b"200", b"400")
    live.check_unharmed(logged)


def test_two_requests_in_one_piece_are_two(live: Live) -> None:
    responses = live.send(request(SMALL, KEEP) + request(SMALL))
    assert responses.count(b"HTTP/1.1 200 OK") == 2


@pytest.mark.parametrize("media_type", ["application/json", NPY, "multipart/form-data; boundary=b"])
def test_a_client_that_stops_sending(live: Live, media_type: str) -> None:
    logged = live.logged()
    response = live.send(request(b"--b\r\n", KEEP, length=1000, media_type=media_type))
    assert status_of(response) == b"408"
    assert b"connection: close" in response.lower()
    document = json.loads(response.partition(b"\r\n\r\n")[2])
    assert "HEATSVC_IDLE_SECONDS" in document["detail"]
    live.check_unharmed(logged)


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"POST /heatmap HT", b"POST /heatmap HTTP/1.1\r\nHost: a\r\n"])
def test_a_client_that_stops_sending_before_its_body(live: Live, sent: bytes) -> None:
    with live.connect() as wire:
        wire.sendall(sent)
        with suppress(ConnectionResetError):
            assert read_all(wire) == b""


def test_a_head_without_end(live: Live) -> None:
    logged = live.logged()
    with live.connect() as wire:
        try:
            wire.sendall(b"GET / HTTP/1.1\r\n")
            for _ in range(2000):
                wire.sendall(b"X-A: " + b"a" * 10_000 + b"\r\n")
            raise AssertionError("20 MB of head were taken")
        except (ConnectionResetError, BrokenPipeError):
            pass
    live.check_unharmed(logged)


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("read", [0, 1000, 1_000_000])
def test_a_client_that_disconnects_while_the_response_is_sent(live: Live, read: int, how: str) -> None:
    logged = live.logged()
    with live.connect(receive_buffer=4096) as wire:
        wire.sendall(LARGE_REQUEST)
        assert wire.recv(15) == b"HTTP/1.1 200 OK"
        while read > 0:
            read -= len(wire.recv(min(read, 65536)))
        if how == "reset":
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    live.check_unharmed(logged)


def test_a_client_that_disconnects_while_its_body_is_read(live: Live) -> None:
    logged = live.logged()
    for _ in range(5):
        with live.connect() as wire:
            wire.sendall(request(SMALL[:10], KEEP, length=1000))
    live.check_unharmed(logged)


@pytest.mark.parametrize("what", [LARGE_REQUEST, request(SMALL, KEEP)], ids=["large", "small"])
def test_a_client_that_never_reads_is_disconnected(live: Live, what: bytes) -> None:
    logged, before = live.logged(), live.sockets()
    with live.connect(receive_buffer=4096) as wire:
        wire.sendall(what * (1 if len(what) > 10_000 else 30))
        time.sleep(0.2)
        assert live.sockets() > before
        until(lambda: live.sockets() <= before)
    live.check_unharmed(logged)


def test_a_client_that_reads_slowly_gets_all(live: Live) -> None:
    with live.connect(receive_buffer=65536) as wire:
        wire.sendall(request(LARGE, "Connection: close", query=LARGE_QUERY, media_type=NPY))
        response = wire.recv(65536)
        length = int(response.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        left = length - len(response.partition(b"\r\n\r\n")[2])
        slow_until = time.monotonic() + 2.5 * IDLE_SECONDS
        while left > 0:
            if time.monotonic() < slow_until:
                time.sleep(0.05)
            part = wire.recv(65536)
            assert part, f"{left} bytes are missing"
            left -= len(part)


def test_work_ends_when_the_client_disconnects(live: Live) -> None:
    logged = live.logged()
    with live.connect() as wire:
        wire.sendall(ENDLESS_REQUEST)
        until(lambda: live.gauge("heatsvc_in_flight") == 2)
        time.sleep(0.3)
        assert live.gauge("heatsvc_in_flight") == 2
    live.check_unharmed(logged)
    assert '"status":499' in live.log.read_text()[logged:]


def test_the_service_responds_while_others_wait_for_heavy_work(live: Live) -> None:
    wires = []
    for _ in range(6):
        wire = socket.create_connection(("127.0.0.1", live.port))
        wire.sendall(ENDLESS_REQUEST)
        wires.append(wire)
    try:
        until(lambda: live.gauge("heatsvc_in_flight") == 7)
        for _ in range(10):
            live.get("/health/live")
            assert status_of(live.send(request(SMALL))) == b"200"
        assert live.gauge("heatsvc_in_flight") == 7  # none of the others has ended meanwhile
    finally:
        for wire in wires:
            wire.close()
    live.check_unharmed()


def test_many_silent_clients_block_no_other(live: Live) -> None:
    before = live.sockets()
    wires = [socket.create_connection(("127.0.0.1", live.port)) for _ in range(200)]
    try:
        assert status_of(live.send(request(SMALL))) == b"200"
        until(lambda: live.sockets() <= before + 1)
    finally:
        for wire in wires:
            wire.close()


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GARBAGE\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"POST /heatmap HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /heatmap HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"POST /heatmap HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /heatmap HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_malformed_http_is_refused(live: Live, data: bytes) -> None:
    logged = live.logged()
    assert status_of(live.send(data)) in (b"400", b"415", b"408")
    live.check_unharmed(logged)


def test_a_chunked_body_that_is_too_long_is_refused(live: Live) -> None:
    head = b"POST /heatmap HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    responses: list[bytes] = []
    with live.connect() as wire:
        reader = threading.Thread(target=lambda: responses.append(wire.recv(1000)))
        reader.start()
        try:
            wire.sendall(head)
            for _ in range(70):
                wire.sendall(chunk)
        except OSError:
            pass
        reader.join()
    assert status_of(responses[0]) == b"413"
    live.check_unharmed()
