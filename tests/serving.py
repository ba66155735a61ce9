"""A service to send to: `heatsvc serve` as a process of its own, on a free port."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
_PATIENCE_SECONDS = 120


@contextmanager
def served(cwd: Path, **environment: str) -> Iterator[int]:
    """The port of a service that is ready; it ends with the block.

    Args:
        cwd: where it runs, and looks for a `.env`.
        environment: settings, added to the environment's own.
    """
    port = free_port()
    command = [sys.executable, "-m", "heatsvc", "serve", "--port", str(port)]
    process = subprocess.Popen(command, cwd=cwd, env={**os.environ, **environment}, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not is_ready(port):
            assert process.poll() is None, f"ended with {process.returncode}"
            assert time.monotonic() < deadline, "is not ready"
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
