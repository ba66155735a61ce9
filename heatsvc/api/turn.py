"""Turn: what one process of a service does while none of the others does it."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import structlog

_PATIENCE = 60.0
_LOOK_SECONDS = 0.05

log = structlog.get_logger("heatsvc.processes")


class Turn:
    """The turn of one process after the other; made before they are forked.

    It is a lock on a file in memory that has no name. Other than one on an open file, which forked processes share, it
    belongs to the process that took it, and is gone with that. Systems without such files have no CUDA either: there
    everybody has a turn at once.
    """

    def __init__(self) -> None:
        self._file: int | None = None
        with suppress(AttributeError, OSError):
            self._file = os.memfd_create("turn")

    @contextmanager
    def taken(self, patience: float = _PATIENCE) -> Iterator[None]:
        """Have the turn for as long as the block takes. Where it does not come in time the block goes on without.

        Args:
            patience: seconds to wait at most.
        """
        if self._file is None:
            yield
            return
        if not _lock(self._file, patience):
            log.warning("no turn could be had: going on beside other processes")
        try:
            yield
        finally:
            with suppress(OSError):
                fcntl.lockf(self._file, fcntl.LOCK_UN)


def _lock(file: int, patience: float) -> bool:
    """Whether this process has the lock."""
    until = time.monotonic() + patience
    while True:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except (BlockingIOError, PermissionError):  # another one has it: POSIX leaves open which of the two that is
            if time.monotonic() >= until:
                return False
        except OSError:
            return False
        time.sleep(_LOOK_SECONDS)
