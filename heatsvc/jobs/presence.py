"""Presence: a worker's sign of life, for other workers and for who watches over it."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from heatsvc.jobs.lock import held, is_held

STALE_SECONDS = 30.0
"""A worker that has not beaten for so long is stuck."""


def new_name() -> str:
    """A name for this worker: the machine's, and what tells it from all others that ever ran there."""
    return f"{socket.gethostname()}-{secrets.token_hex(8)}"


@contextmanager
def present(workers: Path, name: str) -> Iterator[Path]:
    """Be seen as alive within the block; the file's lock falls with the process, however that ends.

    Yields:
        The file, to be touched every few seconds.
    """
    path = workers / name
    with held(path, seconds=5.0) as is_mine:  # another may look at it just now
        if not is_mine:
            raise RuntimeError(f"there is a worker {name} already")
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)


def is_present(workers: Path, name: str) -> bool:
    """Whether the process of that worker lives."""
    return is_held(workers / name)


def is_alive_here(workers: Path) -> bool:
    """Whether a worker of this machine has done its rounds lately."""
    here = socket.gethostname() + "-"
    try:
        files = [path for path in workers.iterdir() if path.name.startswith(here)]
    except FileNotFoundError:
        return False
    return any(time.time() - _beat(path) < STALE_SECONDS and is_held(path) for path in files)


def sweep_absent(workers: Path) -> None:
    """Remove the files of workers that have died."""
    for path in list(workers.iterdir()):
        with held(path) as is_mine:
            if is_mine:
                path.unlink(missing_ok=True)


def _beat(path: Path) -> float:
    try:
        return os.stat(path).st_mtime
    except FileNotFoundError:
        return 0.0
