"""A service as a process of its own, with a short `idle_seconds`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.live.server import IDLE_SECONDS, Live
from tests.serving import ROOT, free_port, is_ready


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "needs(program, word): not collected without it, or without one that supports the word"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On a machine without a program its tests are left out; where HEATSVC_TEST_ALL is set they stay, and fail."""
    if os.environ.get("HEATSVC_TEST_ALL"):
        return
    missing = [item for item in items if not all(is_there(*mark.args) for mark in item.iter_markers("needs"))]
    config.hook.pytest_deselected(items=missing)
    items[:] = [item for item in items if item not in missing]


@cache
def is_there(program: str, word: str = "") -> bool:
    """Whether the program is installed, and prints `word` with its version."""
    path = shutil.which(program)
    if path is None or not word:
        return path is not None
    return word in subprocess.run([path, "--version"], capture_output=True, text=True).stdout


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A service on a free port of 127.0.0.1, ready; ended by its own process id."""
    folder = tmp_path_factory.mktemp("live")
    port, log = free_port(), folder / "log"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HEATSVC_")},
        "HEATSVC_IDLE_SECONDS": str(IDLE_SECONDS),
        "HEATSVC_MAX_VOLUME_BYTES": str(1 << 40),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "heatsvc", "serve", "--port", str(port)]
    with log.open("wb") as stderr:
        process = subprocess.Popen(command, cwd=folder, env=environment, stderr=stderr)
    try:
        until = time.monotonic() + 240
        while not is_ready(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, "the service does not become ready"
            time.sleep(0.1)
        yield Live(port, process.pid, Path(log))
    finally:
        process.terminate()
        process.wait(timeout=30)
