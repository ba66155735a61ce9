"""A service with a worker of its own: a build in progress is resumed after both were killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.durable.clips import write_upload
from tests.durable.site import until
from tests.durable.test_supervisor import alive
from tests.serving import ROOT, free_port, is_ready


@contextmanager
def serving(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HEATSVC_")}
    environment |= {"PYTHONPATH": str(ROOT), "HEATSVC_BUILD_JOBS": "2"}
    command = [sys.executable, "-m", "heatsvc", "serve", "--port", str(port)]
    with (folder / "log").open("ab") as log:
        service = subprocess.Popen(command, cwd=folder, env=environment, stderr=log)
    try:
        until(lambda: is_ready(port) or service.poll() is not None, "the service to be ready", 240)
        yield service
    finally:
        service.terminate()
        service.wait(timeout=60)


def workers(folder: Path) -> list[int]:
    """Process ids of workers that have this folder as their own."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            if b"worker" in words and (process / "cwd").readlink() == folder.resolve():
                found.append(int(process.name))
        except OSError:
            continue
    return [pid for pid in found if alive(pid)]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_build_survives_the_kill_of_the_whole_service(tmp_path: Path):
    form = tmp_path / "form"
    form.mkdir()
    write_upload(form, 15_000)
    folder = tmp_path / "service"
    folder.mkdir()
    address = f"http://127.0.0.1:{(port := free_port())}"
    files = [
        ("keypoints", ("clips.zip", (form / "0").read_bytes(), "application/zip")),
        ("labels", ("labels.csv", (form / "1").read_bytes(), "text/csv")),
        ("split", ("split.csv", (form / "2").read_bytes(), "text/csv")),
        ("options", (None, b'{"img_shape": [512, 512]}', "application/json")),
    ]
    with serving(folder, port) as service:
        assert workers(folder) == []  # there is nothing to build yet
        sent = httpx.post(f"{address}/annotation", files=files, headers={"Prefer": "respond-async"}, timeout=60)
        assert sent.status_code == 202, sent.text
        location = address + sent.headers["Location"]
        until(lambda: httpx.get(location).json()["state"] == "running", "the build to begin")
        (worker,) = workers(folder)
        service.send_signal(signal.SIGKILL)
        service.wait()
        until(lambda: not alive(worker), "the worker to end")
    with serving(folder, port):
        # Nothing is submitted: the build is resumed at the start.
        until(lambda: httpx.get(location).json()["state"] == "done", "the build to end", 240)
        (worker,) = workers(folder)
        again = httpx.post(f"{address}/annotation", files=files, headers={"Accept": "application/x-pickle"}, timeout=60)
        assert again.status_code == 200, again.text
        assert again.content.startswith(b"\x80\x04")
        assert again.content.endswith(b".")
    assert not alive(worker)
