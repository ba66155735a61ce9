"""Requests refused while their large body is being sent: each gets exactly one response, which clients read."""

from __future__ import annotations

import asyncio
import http.client
import re
import subprocess
from collections.abc import Callable, Mapping

import aiohttp
import httpx
import pytest

from tests.live.decoding import path_of
from tests.live.server import Live, read_all

Post = Callable[[str, int, Mapping[str, str]], int]

JSON = {"Content-Type": "application/json"}
REFUSALS = [
    pytest.param("/heatmap", 70_000_000, JSON, 413, id="413"),
    pytest.param("/heatmap", 5_000_000, {"Content-Type": "text/x"}, 415, id="415"),
    pytest.param("/heatmap", 5_000_000, {**JSON, "Accept": "text/html"}, 406, id="406"),
    pytest.param("/nosuch", 5_000_000, JSON, 404, id="404"),
    pytest.param("/annotation", 5_000_000, {"Content-Type": "text/x"}, 415, id="415 of a build"),
]


@pytest.mark.parametrize(("path", "size", "headers", "status"), REFUSALS)
def test_http_client(live: Live, path: str, size: int, headers: Mapping[str, str], status: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=60)
    try:
        for _ in range(2):  # on one connection
            connection.request("POST", path, bytes(size), dict(headers))
            response = connection.getresponse()
            assert response.read().startswith(b"{")
            assert response.status == status
    finally:
        connection.close()


@pytest.mark.parametrize(("path", "size", "headers", "status"), REFUSALS)
def test_httpx(live: Live, path: str, size: int, headers: Mapping[str, str], status: int) -> None:
    with httpx.Client(base_url=live.address, timeout=60) as client:
        for _ in range(2):
            assert client.post(path, content=bytes(size), headers=headers).json()["status"] == status


@pytest.mark.parametrize(("path", "size", "headers", "status"), REFUSALS)
def test_aiohttp(live: Live, path: str, size: int, headers: Mapping[str, str], status: int) -> None:
    async def post() -> None:
        async with aiohttp.ClientSession(live.address) as session:
            for _ in range(2):
                async with session.post(path, data=bytes(size), headers=headers) as response:
                    assert response.status == status
                    await response.read()
                async with session.get("/health/live") as response:
                    assert response.status == 200

    asyncio.run(post())


@pytest.mark.needs("curl")
@pytest.mark.parametrize(("path", "size", "headers", "status"), REFUSALS)
def test_curl(live: Live, path: str, size: int, headers: Mapping[str, str], status: int) -> None:
    command = [path_of("curl"), "-sS", "-w", "\n%{http_code}", "--data-binary", "@-", live.address + path]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    done = subprocess.run(command, input=b"x" * size, capture_output=True, check=True)
    assert done.stdout.splitlines()[-1] == b"%d" % status


@pytest.mark.parametrize("size", [1000, 270_000, 1_000_000, 5_000_000])
@pytest.mark.parametrize(
    ("path", "header"),
    [
        ("/heatmap", "Content-Type: application/json\r\nAccept: text/html"),
        ("/heatmap", "Content-Type: text/plain"),
        ("/nosuch", "X: y"),
        ("/annotation", "Content-Type: multipart/form-data"),
        ("/annotation", "Content-Type: multipart/form-data; boundary=b\r\nAccept: a/b"),
    ],
)
def test_a_refusal_is_the_only_response(live: Live, path: str, header: str, size: int) -> None:
    """The body comes after the refusal, and after it another request on the same connection."""
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\n{header}\r\nContent-Length: {size}\r\nX-Request-ID: first\r\n\r\n"
    with live.connect() as wire:
        wire.sendall(head.encode())
        received = wire.recv(65536)
        assert re.match(rb"HTTP/1\.1 4(04|06|15|00|22) ", received)
        for _ in range(size // 1000):
            wire.sendall(b"x" * 1000)
        wire.sendall(b"GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Request-ID: second\r\n\r\n")
        received += read_all(wire)
    assert re.findall(rb"x-request-id: (\w+)", received) == [b"first", b"second"]
    assert len(re.findall(rb"HTTP/1\.1 \d+", received)) == 2
    assert b"HTTP/1.1 200 OK" in received
