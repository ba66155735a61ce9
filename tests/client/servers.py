"""Servers for the tests of the clients: the service on a port of this process, and one with scripted responses."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn

from heatsvc.app import create_app
from heatsvc.settings import Settings
from tests.api.annotation.fake_worker import Worker
from tests.serving import is_ready


@dataclass(frozen=True)
class Service:
    """A service, and the thread that stands for its build workers."""

    url: str
    worker: Worker


@contextmanager
def running_service(data_dir: Path, **settings: Any) -> Iterator[Service]:
    """The application under uvicorn, ready, in a thread of this process."""
    given = {"data_dir": data_dir, "build_workers": 0, "access_log": False, **settings}
    app = create_app(Settings(_env_file=None, **given))
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, http="heatsvc.api.protocol:BoundedHttpToolsProtocol", ws="none", log_config=None)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    worker = Worker(data_dir)
    worker.start()
    try:
        until = time.monotonic() + 240  # the kernels may have to be compiled
        while not (server.started and is_ready(port_of(server))):
            assert time.monotonic() < until, "the service does not become ready"
            time.sleep(0.01)
        yield Service(f"http://127.0.0.1:{port_of(server)}", worker)
    finally:
        worker.stop()
        server.should_exit = True
        thread.join(30)


def port_of(server: uvicorn.Server) -> int:
    """The port that a started server listens on."""
    port: int = server.servers[0].sockets[0].getsockname()[1]
    return port


@dataclass
class Received:
    """A request as the scripted server received it."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class ScriptedServer:
    """A server that sends a response, as bytes, to each request, and then closes the connection.

    Attributes:
        url: of the server.
        received: the requests so far.
    """

    url: str
    received: list[Received] = field(default_factory=list)


@contextmanager
def scripted_server(responses: Sequence[bytes] | Callable[[Received], bytes]) -> Iterator[ScriptedServer]:
    """A server of these responses: in order, the last one again and again, or what a function makes of a request.

    An empty one only closes the connection.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    server = ScriptedServer(f"http://127.0.0.1:{listener.getsockname()[1]}")

    def work() -> None:
        while True:
            try:
                wire, _ = listener.accept()
            except OSError:
                return  # closed
            with wire:
                wire.settimeout(10)
                server.received.append(_receive(wire))
                if callable(responses):
                    wire.sendall(responses(server.received[-1]))
                else:
                    wire.sendall(responses[min(len(server.received), len(responses)) - 1])

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def forward(request: Received, url: str) -> bytes:
    """The response of another server, as bytes."""
    host, _, port = url.removeprefix("http://").partition(":")
    lines = [request.line, *(f"{name}: {value}" for name, value in {**request.headers, "connection": "close"}.items())]
    with socket.create_connection((host, int(port)), timeout=30) as wire:
        wire.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + request.body)
        parts = []
        while part := wire.recv(1 << 20):
            parts.append(part)
    return b"".join(parts)


def _receive(wire: socket.socket) -> Received:
    data = b""
    while b"\r\n\r\n" not in data:
        data += wire.recv(1 << 16)
    head, _, body = data.partition(b"\r\n\r\n")
    line, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        body += wire.recv(1 << 16)
    return Received(line, headers, body)


def response(
    status: int, body: bytes, content_type: str = "application/x-npy", headers: Mapping[str, str] | None = None
) -> bytes:
    """A response of HTTP/1.1, the last one of its connection, with its length unless the headers have one."""
    given = {"content-type": content_type, "content-length": str(len(body)), "connection": "close", **(headers or {})}
    lines = [f"HTTP/1.1 {status} -", *(f"{name}: {value}" for name, value in given.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
