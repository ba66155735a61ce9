"""A running service, and requests to it as bytes over a socket."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import numpy as np

from tests.pose.readers.samples import npy

IDLE_SECONDS = 1
# Until a test gives up.
TIMEOUT = 60.0

SMALL = json.dumps({"keypoint": [[[10.0, 20.0]]], "img_shape": [64, 64]}).encode()
# 16 MB of response, more than sockets and buffers hold between two processes.
LARGE = npy(np.random.default_rng(0).uniform(0, 200, (60, 17, 2)).astype(np.float32))
LARGE_QUERY = "?img_shape=200,200"
# A minute of work in pieces of milliseconds, for a response of 90 KB: crowds on 10,000 frames, summed to a picture.
ENDLESS = npy(np.full((32, 100, 1, 2), 150.0, np.float32))
_STEPS = [
    {"type": "UniformSampleFrames", "clip_len": 10_000},
    {"type": "PoseDecode"},
    {"type": "GeneratePoseTarget", "sigma": 300},
    {"type": "Heatmap2Potion", "C": 2, "option": "I"},
]
ENDLESS_QUERY = "?" + urlencode({"img_shape": "300,300", "dtype": "uint8", "pipeline": json.dumps(_STEPS)})


@dataclass(frozen=True)
class Live:
    """A service: its port, process id, and the file that it logs to."""

    port: int
    pid: int
    log: Path

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def connect(self, receive_buffer: int | None = None) -> Iterator[socket.socket]:
        """A connection; a small receive buffer makes a client that can take little without reading."""
        with socket.socket() as wire:
            if receive_buffer is not None:
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            wire.settimeout(30)
            wire.connect(("127.0.0.1", self.port))
            yield wire

    def get(self, path: str) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
            assert response.status == 200, body
            return body
        finally:
            connection.close()

    def gauge(self, name: str) -> float:
        """A metric without labels."""
        found = re.search(rf"^{name} (\S+)$", self.get("/metrics").decode(), re.MULTILINE)
        assert found, name
        return float(found[1])

    def sockets(self) -> int:
        """How many sockets the process has open."""
        count = 0
        for handle in Path(f"/proc/{self.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed since it was listed
                count += os.readlink(handle).startswith("socket:")
        return count

    def check_unharmed(self, logged: int = 0) -> None:
        """It responds, only this request is in flight, and nothing has failed since `logged`, a length of the log."""
        until(lambda: self.gauge("heatsvc_in_flight") == 1)
        assert self.send(request(SMALL))[:15] == b"HTTP/1.1 200 OK"
        text = self.log.read_text()[logged:]
        assert "Traceback" not in text
        assert '"status":500' not in text

    def logged(self) -> int:
        """Length of the log."""
        return len(self.log.read_text())

    def send(self, data: bytes) -> bytes:
        """All that comes back until the service closes the connection."""
        with self.connect() as wire:
            wire.sendall(data)
            return read_all(wire)


def request(
    body: bytes, *headers: str, query: str = "", length: int | None = None, media_type: str = "application/json"
) -> bytes:
    """A `POST /heatmap` after which the service closes the connection."""
    lines = [
        f"POST /heatmap{query} HTTP/1.1",
        "Host: heatsvc",
        f"Content-Type: {media_type}",
        f"Content-Length: {len(body) if length is None else length}",
        *(headers or ("Connection: close",)),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def read_all(wire: socket.socket) -> bytes:
    """Until the other side closes."""
    parts = []
    while part := wire.recv(1 << 20):
        parts.append(part)
    return b"".join(parts)


def until(happens: Callable[[], bool], seconds: float = TIMEOUT) -> None:
    """Wait until it happens."""
    end = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < end, "it has not happened"
        time.sleep(0.05)
