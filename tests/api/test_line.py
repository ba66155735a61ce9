"""A whole body taken from a connection, and a whole answer given to it: nobody tells them from uvicorn's own way."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import numpy as np
import pytest
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from heatsvc.api.connection import Connection
from heatsvc.app import create_app
from heatsvc.settings import Settings
from tests.live.wire import SMALL, read_all, request

_BIG = json.dumps(
    {"keypoint": np.random.default_rng(0).uniform(0, 64, (400, 40, 2)).tolist(), "img_shape": [64, 64]}
).encode()
_SETTINGS = Settings(_env_file=None, access_log=False)
# More chunks than the system takes in one call.
_MANY = json.dumps({"clips": [{"keypoint": [[[2.0, 3.0]]], "img_shape": [8, 8]}] * 1024}).encode()
KEEP = "Connection: keep-alive"
LAST = request(SMALL)


def chunked(body: bytes) -> bytes:
    head = request(b"", KEEP, "Transfer-Encoding: chunked").replace(b"Content-Length: 0\r\n", b"")
    return head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


HALF = len(LAST) - len(SMALL) // 2
# What is sent, piece by piece, and how many of its answers go out whole.
SAID: dict[str, tuple[list[bytes], int]] = {
    "one after the other": ([request(SMALL, KEEP), request(SMALL, KEEP), LAST], 2),
    "all at once": ([request(SMALL, KEEP) * 3 + LAST], 0),
    "the last": ([LAST], 0),
    "HTTP/1.0": ([LAST.replace(b"HTTP/1.1", b"HTTP/1.0")], 0),
    "in halves": ([LAST[:HALF], LAST[HALF:]], 0),
    "kept, in halves": ([request(SMALL, KEEP)[: HALF + 5], request(SMALL, KEEP)[HALF + 5 :], LAST], 1),
    "chunked": ([chunked(SMALL), LAST], 1),
    "expects a sign": ([request(SMALL, KEEP, "Expect: 100-continue"), LAST], 1),
    "waits for a sign": (
        [request(SMALL, KEEP, "Expect: 100-continue")[: -len(SMALL)], SMALL, LAST],
        1,
    ),
    "drawn by a thread": ([request(_BIG, KEEP), LAST], 0),
    "in many chunks": ([request(_MANY, KEEP, "Accept-Encoding: zstd"), LAST], 1),
    "refused": ([request(b"{}", KEEP), LAST], 0),
    "an id of its own": ([request(SMALL, KEEP, "X-Request-ID: mine"), LAST], 1),
    "coded": ([request(SMALL, KEEP, "Accept-Encoding: zstd"), LAST], 1),
    "not coded": ([request(SMALL, KEEP, "Accept-Encoding: identity"), LAST], 1),
}


@contextmanager
def listening(app: ASGIApp) -> Iterator[tuple[str, int]]:
    """Where a server listens that has an app and these connections."""
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, http=Connection))
    with socket.create_server(("127.0.0.1", 0)) as open_socket:
        # Not in the main thread, whose signals a server would take.
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([open_socket])))
        thread.start()
        try:
            place = open_socket.getsockname()
            for _ in range(600):
                if b" 200 OK" in say(place, [b"GET /health/ready HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"]):
                    break
                time.sleep(0.1)
            yield place
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    """Where the service listens."""
    with listening(create_app(_SETTINGS)) as place:
        yield place


def say(address: tuple[str, int], pieces: list[bytes]) -> bytes:
    """All that comes back until the other side closes; a piece is sent once the one before it had time to arrive."""
    # pytest gives a handler to a logger that tells nobody, and then each answer would have a line of uvicorn's.
    silent = patch.object(logging.getLogger("uvicorn.access"), "handlers", [])
    with silent, socket.create_connection(address, 30) as wire:
        for number, piece in enumerate(pieces):
            if number:
                time.sleep(0.15)
            wire.sendall(piece)
        return read_all(wire)


def told(answer: bytes) -> bytes:
    """Without what differs from one time to the next."""
    return re.sub(rb"(date|server-timing|x-request-id): (?!mine)[^\r]*", rb"\1: ...", answer)


@pytest.mark.parametrize("said", SAID)
def test_an_answer_is_the_same_either_way(address: tuple[str, int], said: str):
    pieces, whole = SAID[said]
    given: list[bool] = []
    own = Connection.answer

    def answer(*arguments: object) -> bool:
        given.append(own(*arguments))  # type: ignore[arg-type]
        return given[-1]

    with patch.object(Connection, "answer", answer):
        short = say(address, pieces)
    with patch.object(Connection, "answer", return_value=False), patch.object(Connection, "take", return_value=None):
        long = say(address, pieces)
    assert told(short) == told(long)
    assert short.count(b"HTTP/1.1 200 OK") + short.count(b"HTTP/1.1 422 ") >= len(pieces) // 2
    assert sum(given) == whole


def test_a_body_is_taken_once(address: tuple[str, int]):
    taken: list[bytes | None] = []
    own = Connection.take

    def take(self: Connection, receive: object) -> bytes | None:
        taken.extend([own(self, receive), own(self, receive)])  # type: ignore[arg-type]
        return taken[0]

    with patch.object(Connection, "take", take):
        say(address, [request(SMALL, KEEP), LAST])
    assert taken[:2] == [SMALL, b""]


def test_a_page_of_another_origin_gets_its_headers():
    app = create_app(_SETTINGS.model_copy(update={"cors_origins": ("https://a.example",)}))
    with listening(app) as place:
        answers = say(place, [request(SMALL, KEEP, "Origin: https://a.example"), LAST])
    first = answers[: answers.index(b"\r\n\r\n")]
    assert b"access-control-allow-origin: https://a.example" in first
    assert b"access-control-expose-headers" in first


def test_whoever_wraps_the_app_sees_all_that_passes():
    app = create_app(_SETTINGS)
    seen: list[tuple[str, int]] = []

    async def layer(scope: Scope, receive: Receive, send: Send) -> None:
        async def received() -> Message:
            message = await receive()
            seen.append((message["type"], len(message.get("body", b""))))
            return message

        async def sent(message: Message) -> None:
            seen.append((message["type"], len(message.get("body", b""))))
            await send(message)

        await app(scope, received, sent)

    with listening(layer) as place:
        seen.clear()
        answers = say(place, [request(SMALL, KEEP, "Accept-Encoding: identity"), LAST])
    size = int(re.findall(rb"content-length: (\d+)", answers)[0])
    assert seen[:3] == [("http.request", len(SMALL)), ("http.response.start", 0), ("http.response.body", size)]
