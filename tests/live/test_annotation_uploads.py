"""Uploads to a live service: large ones, cut ones, and clients that go away. Nothing of them stays."""

from __future__ import annotations

import http.client
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.annotation.forms import BOUNDARY, dataset, form, part
from tests.live.test_memory import forget_peak, peak_bytes
from tests.live.wire import IDLE_SECONDS, Live, read_all, until

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
    """A chunked request; the answer, its body read into `data`."""
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


def test_others_are_answered_while_an_upload_is_written(live: Live):
    waits = []

    def pieces() -> Iterator[bytes]:
        for count, piece in enumerate(files(500, 400_000)):
            if not count % 50:
                began = time.perf_counter()
                live.get("/health/live")
                waits.append(time.perf_counter() - began)
            yield piece

    assert send(live, pieces()).status == 422
    assert sorted(waits)[len(waits) // 2] < 0.1
    assert max(waits) < 1.0


def test_a_client_that_goes_away_in_the_middle(live: Live):
    logged = live.logged()
    with live.connect() as wire:
        wire.sendall(head(100 * MIB) + part("keypoints", b"", "a.npy")[:-2] + bytes(5 * MIB))
        until(lambda: any(path.is_file() for path in left(live)))
    until(lambda: nothing_left(live))
    live.check_unharmed(logged)


def test_a_client_that_sends_no_more(live: Live):
    with live.connect() as wire:
        wire.sendall(head(100 * MIB) + part("keypoints", b"", "a.npy")[:-2] + bytes(3 * MIB))
        began = time.monotonic()
        answer = read_all(wire)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - began < IDLE_SECONDS + 3
    assert nothing_left(live)


def test_a_body_that_ends_before_its_form_does(live: Live):
    body = dataset().body[:-10]
    assert b"HTTP/1.1 400 " in live.send(head(len(body)) + body)
    assert nothing_left(live)


def test_a_body_that_is_declared_too_large_is_refused_at_once(live: Live):
    answer = live.send(head(1 << 40))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"HEATSVC_MAX_UPLOAD_BYTES" in answer


def test_chunks_that_are_none(live: Live):
    logged = live.logged()
    assert live.send(head("chunked") + b"zz\r\n").startswith(b"HTTP/1.1 400 ")
    until(lambda: nothing_left(live))
    live.check_unharmed(logged)


@pytest.mark.needs("curl")
def test_curl_is_told_what_is_wrong_while_it_sends(live: Live, tmp_path: Path):
    """It shows the problem, and does not go on for the other 2 GB."""
    with (tmp_path / "large").open("wb") as file:
        file.truncate(2_000 * MIB)
    command = ["curl", "-sS", "-F", 'options={"dtype": "int8"}', "-F", f"keypoints=@{tmp_path / 'large'}"]
    began = time.monotonic()
    told = subprocess.run([*command, f"{live.address}/annotation"], capture_output=True, text=True, timeout=60)
    assert "'float16' or 'float32'" in told.stdout
    assert time.monotonic() - began < 10
    assert nothing_left(live)


def test_junk_never_breaks_anything(live: Live):
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
