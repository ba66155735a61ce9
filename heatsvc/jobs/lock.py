"""Lock: a file that one process holds, and that nobody holds once that process has died."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from heatsvc.bounds import go_on

_LOOK_SECONDS = 0.05
_held: set[int] = set()


def _let_go_in_child() -> None:
    # A lock belongs to the open file, which a forked process shares: it would outlive its holder in it.
    for handle in _held:
        with suppress(OSError):
            os.close(handle)
    _held.clear()


os.register_at_fork(after_in_child=_let_go_in_child)


@contextmanager
def held(path: Path, *, seconds: float = 0.0, keep_going: Callable[[], None] = go_on) -> Iterator[bool]:
    """Hold the lock within the block.

    Args:
        path: the file; made if its folder is there.
        seconds: how long to wait for another holder to end.
        keep_going: called while waiting; raises what should end it.

    Yields:
        Whether it is held: not, if another holds it, or if its folder is not there.
    """
    handle = _take(path, time.monotonic() + seconds, keep_going)
    try:
        yield handle is not None
    finally:
        if handle is not None:
            _held.discard(handle)
            os.close(handle)


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def _take(path: Path, until: float, keep_going: Callable[[], None]) -> int | None:
    while True:
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The folder may have been moved away meanwhile, and another have taken its place.
            if _is(handle, path):
                _held.add(handle)
                return handle
            os.close(handle)
            continue
        except BlockingIOError:
            os.close(handle)
        if time.monotonic() >= until:
            return None
        keep_going()
        time.sleep(_LOOK_SECONDS)


def _is(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except OSError:
        return False
