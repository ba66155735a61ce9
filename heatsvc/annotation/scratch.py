"""Scratch: memory that looks like files, for what is on its way from one process to another."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108  # memory, in a folder that is made for this process alone
_ENOUGH = 1 << 30
_PREFIX = "heatsvc-"


@contextmanager
def scratch(memory: Path = _MEMORY) -> Iterator[Path | None]:
    """A folder in memory for this process, gone at the end; None where there is none, or too little.

    Parts that are written to a disk and read back cost a third of a build's time. What a killed process left is removed
    by the next.
    """
    try:
        space = os.statvfs(memory)
        if space.f_bavail * space.f_frsize < _ENOUGH:
            yield None
            return
        for path in memory.glob(f"{_PREFIX}*"):
            if path.stat().st_uid == os.getuid() and not _is_alive(path.name.removeprefix(_PREFIX)):
                shutil.rmtree(path, ignore_errors=True)
        folder = memory / f"{_PREFIX}{os.getpid()}"
        folder.mkdir(mode=0o700)
    except (OSError, AttributeError):
        yield None
        return
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_alive(process: str) -> bool:
    if not process.isdecimal():
        return True
    with suppress(ProcessLookupError, OverflowError):
        os.kill(int(process), 0)
        return True
    return False
