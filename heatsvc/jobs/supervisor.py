"""Supervisor: has workers as children, and new ones where they die."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

import structlog

COMMAND = (sys.executable, "-m", "heatsvc", "worker", "--with-parent")

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_WELL_AFTER = 60.0
_STOP_SECONDS = 30.0

log = structlog.get_logger("heatsvc.builds")


class Builders(Protocol):
    """Who sees to it that there are workers."""

    def start(self) -> None:
        """There is something to build; called any number of times, from any thread."""

    def stop(self) -> None:
        """The service ends."""


class Supervisor:
    """Keeps a number of workers running, from start to stop.

    A worker reads its standard input, a pipe whose other end this process has: where this one ends, however it does,
    the pipe does too, and so does the worker.

    Args:
        number: of workers.
        environment: variables for them, added to this process's own.
        command: what starts one.
    """

    def __init__(self, number: int, environment: Mapping[str, str], command: Sequence[str] = COMMAND):
        self._number = number
        self._environment = environment
        self._command = list(command)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._workers: set[subprocess.Popen[bytes]] = set()

    def start(self) -> None:
        """Start the workers, if they were not."""
        with self._lock:
            if self._threads or self._stopping.is_set():
                return
            self._threads = [
                threading.Thread(target=self._keep_one, name=f"worker-{number}", daemon=True)
                for number in range(self._number)
            ]
            for thread in self._threads:
                thread.start()

    def stop(self) -> None:
        """End the workers, and wait until they have; builds under way go on another time."""
        with self._lock:
            self._stopping.set()
            for worker in self._workers:
                worker.terminate()
        for thread in self._threads:
            thread.join()

    def pids(self) -> list[int]:
        """The workers' process ids."""
        with self._lock:
            return [worker.pid for worker in self._workers]

    def _keep_one(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            started = time.monotonic()
            status = self._run_one()
            if self._stopping.is_set():
                return
            lived = time.monotonic() - started
            pause = _FIRST_PAUSE if lived > _WELL_AFTER else pause
            log.warning("a worker ended", status=status, seconds=round(lived, 1), again_in=pause)
            self._stopping.wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _run_one(self) -> int | str:
        """Start a worker and wait for its end; how it ended."""
        with self._lock:
            if self._stopping.is_set():
                return 0
            try:
                worker = subprocess.Popen(  # noqa: S603  # the interpreter's own path, and words of this file
                    self._command,
                    stdin=subprocess.PIPE,
                    env={**os.environ, **self._environment},
                    process_group=0,  # Ctrl-C is for the service, which then stops its workers
                )
            except OSError as error:
                return str(error)
            self._workers.add(worker)
        try:
            while worker.poll() is None:
                if not self._stopping.wait(0.5):
                    continue
                with contextlib.suppress(subprocess.TimeoutExpired):
                    worker.wait(_STOP_SECONDS)
                    break
                worker.kill()
                worker.wait()
        finally:
            with self._lock:
                self._workers.discard(worker)
            # What it had started and left behind.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(worker.pid, signal.SIGKILL)
            if worker.stdin:
                worker.stdin.close()
        return worker.returncode


def end_with_parent(stop: threading.Event, seconds: float = 5.0) -> None:
    """Call in a worker that a supervisor started: it ends when the supervisor's process does.

    Args:
        stop: set then, so that the worker may end well.
        seconds: how long it may take over that; then it is ended, with all that it has started.
    """

    def wait() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        stop.set()
        time.sleep(seconds)
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=wait, name="parent", daemon=True).start()
