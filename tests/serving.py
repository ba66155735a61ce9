"""A service to send to: a process of its own, on a free port."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
SERVE = (sys.executable, "-m", "heatsvc", "serve", "--port", "{port}")
LOG = "served.log"
_TIMEOUT_SECONDS = 240  # the kernels may have to be compiled


@contextmanager
def served(cwd: Path, *command: str, **environment: str) -> Iterator[int]:
    """The port of a service that is ready; it ends with the block.

    Args:
        cwd: a folder to run in; what the service says on standard error goes to `LOG` in it.
        command: what starts it, SERVE if not given; `{port}` in it is the port.
        environment: settings, added to the environment's own.
    """
    port = free_port()
    words = [word.format(port=port) for word in command or SERVE]
    with (cwd / LOG).open("w") as log:
        process = subprocess.Popen(words, cwd=cwd, env={**os.environ, **environment}, stderr=log)
    try:
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while not is_ready(port):
            assert process.poll() is None, (cwd / LOG).read_text()
            assert time.monotonic() < deadline, "is not ready"
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def is_ready(port: int) -> bool:
    """Whether a service there says that it is."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def has(*tools: str) -> bool:
    """Whether a test may run that needs these programs; with HEATSVC_TEST_ALL it must."""
    return "HEATSVC_TEST_ALL" in os.environ or all(map(shutil.which, tools))
