"""Uploads to a live service: large ones, cut ones, and clients that go away. Nothing of them stays."""

from __future__ import annotations

import http.client
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.api.annotation.forms import BOUNDARY, dataset, form, part
from tests.live.server import Live, read_all, until
from tests.live.test_memory import forget_peak, peak_bytes

MIB = 1 << 20
TYPE = dataset().media_type
# At its end a part that there is not, so that nothing is built.
WRONG = part("nothing") + f"--{BOUNDARY}--\r\n".encode()


def left(live: Live) -> list[Path]:
    data = live.log.parent / "heatsvc-data"
    return [path for name in ("uploads", "removed") for path in (data / name).rglob("*")]


def nothing_left(live: Live) -> bool:
    return left(live) == []


def head(length: int | str, path: str = "/annotation") -> bytes:
    sized = f"Content-Length: {length}" if isinstance(length, int) else f"Transfer-Encoding: {length}"
    lines = [f"POST {path} HTTP/1.1", "Host: heatsvc", f"Content-Type: {TYPE}", sized, "Connection: close"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def send(live: Live, pieces: Iterator[bytes]) -> http.client.HTTPResponse:
    """A chunked request; the response, its body read into `data`."""
    connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=60)
    connection.request("POST", "/annotation", pieces, {"Content-Type": TYPE}, encode_chunked=True)
    return connection.getresponse()


def files(count: int, size: int) -> Iterator[bytes]:
    """A form of so many files, with a fault at its end."""
    piece = os.urandom(min(size, MIB))
    for number in range(count):
        yield part("keypoints", b"", f"{number}.npy")[:-2]
        for at in range(0, size, MIB):
            yield piece[: size - at]
        yield b"\r\n"
    yield WRONG


def test_memory_does_not_grow_with_an_upload(live: Live):
    list(files(1, MIB))  # this process's own
    assert send(live, files(1, 5 * MIB)).status == 422
    forget_peak(live.pid)
    before = peak_bytes(live.pid)
    assert send(live, files(1, 300 * MIB)).status == 422
    assert peak_bytes(live.pid) - before < 32 * MIB
    assert nothing_left(live)


def test_memory_does_not_grow_with_many_files(live: Live):
    assert send(live, files(100, 1_000)).status == 422
    forget_peak(live.pid)
    before = peak_bytes(live.pid)
    assert send(live, files(10_000, 1_000)).status == 422
    assert peak_bytes(live.pid) - before < 32 * MIB
    assert nothing_left(live)


def test_other_requests_are_served_during_an_upload(live: Live):
    statuses = []

    def blocks() -> Iterator[bytes]:
        for count, block in enumerate(files(500, 400_000)):
            if not count % 50:
                statuses.append(httpx.get(f"{live.address}/health/live").status_code)
            yield block

    assert send(live, blocks()).status == 422
    assert statuses == [200] * len(statuses)
    assert len(statuses) > 10


def test_a_client_that_disconnects(live: Live):
    logged = live.logged()
    with live.connect() as wire:
        wire.sendall(head(100 * MIB) + part("keypoints", b"", "a.npy")[:-2] + bytes(5 * MIB))
        until(lambda: any(path.is_file() for path in left(live)))
    until(lambda: nothing_left(live))
    live.check_unharmed(logged)


def test_a_client_that_stops_sending(live: Live):
    with live.connect() as wire:
        wire.sendall(head(100 * MIB) + part("keypoints", b"", "a.npy")[:-2] + bytes(3 * MIB))
        response = read_all(wire)
    assert response.startswith(b"HTTP/1.1 408 ")
    assert nothing_left(live)


def test_a_body_that_ends_before_its_form_does(live: Live):
    body = dataset().body[:-10]
    assert b"HTTP/1.1 400 " in live.send(head(len(body)) + body)
    assert nothing_left(live)


def test_a_content_length_above_the_limit_is_refused_at_once(live: Live):
    response = live.send(head(1 << 40))
    assert response.startswith(b"HTTP/1.1 413 ")
    assert b"HEATSVC_MAX_UPLOAD_BYTES" in response


def test_malformed_chunks(live: Live):
    logged = live.logged()
    assert live.send(head("chunked") + b"zz\r\n").startswith(b"HTTP/1.1 400 ")
    until(lambda: nothing_left(live))
    live.check_unharmed(logged)


@pytest.mark.needs("curl")
def test_curl_shows_an_error_while_it_sends(live: Live, tmp_path: Path):
    """It shows the problem, and does not send the rest of 2 GB."""
    with (tmp_path / "large").open("wb") as file:
        file.truncate(2_000 * MIB)
    command = ["curl", "-sS", "-F", 'options={"dtype": "int8"}', "-F", f"keypoints=@{tmp_path / 'large'}"]
    command += ["-w", "\n%{size_upload}", f"{live.address}/annotation"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    problem, sent = ended.stdout.split("\n")
    assert "'float16' or 'float32'" in problem
    assert int(sent) < 1_000 * MIB
    assert nothing_left(live)


def test_random_bytes_are_client_errors(live: Live):
    """Each byte sequence ends in a problem, and the service is as before."""
    logged = live.logged()
    whole = form(part("keypoints", b"1", "a"), part("labels", b"a,0", "l"), part("x")).body
    for at in range(0, len(whole), 7):
        for change in (b"\0", b"\r\n", b"--", b"\xff" * 9):
            body = whole[:at] + change + whole[at + len(change) :]
            status = int(live.send(head(len(body)) + body).split(b" ", 2)[1])
            assert 400 <= status < 500
    assert nothing_left(live)
    live.check_unharmed(logged)
