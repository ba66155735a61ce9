"""Supervisor: runs build workers as child processes of the service, and restarts them when they end."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence

import structlog

from heatsvc.jobs.data_directory import DataDirectory
from heatsvc.jobs.folder import acquire_lock

_COMMAND = (sys.executable, "-m", "heatsvc", "worker", "--with-parent")
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_STABLE_SECONDS = 60.0
"""A worker that ran for this time did not fail at its start: the pause before the next start is reset."""
_STOP_SECONDS = 30.0
_LOCK_SECONDS = 1.0
_POLL_SECONDS = 0.2

log = structlog.get_logger("heatsvc.builds")


class Supervisor:
    """Keeps a number of workers running between `start` and `stop`.

    The service processes of one machine with the same data directory run that number of workers together, by a lock
    file for each worker: the first process runs the workers, and when it ends another takes over.

    A worker reads its standard input, a pipe from this process. When this process ends, even by SIGKILL, the pipe is
    closed and the worker ends too.

    Args:
        directory: the data directory.
        number: number of workers; 0 starts none.
        environment: environment variables of the workers, in addition to those of this process.
        command: the command that starts a worker.

    Attributes:
        pids: process ids of the running workers.
    """

    def __init__(
        self, directory: DataDirectory, number: int, environment: Mapping[str, str], command: Sequence[str] = _COMMAND
    ):
        self._directory = directory
        self._number = number
        self._environment = environment
        self._command = list(command)
        self.pids: set[int] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the workers, unless they are running."""
        with self._lock:
            if self._threads or self._stopping.is_set():
                return
            self._threads = [
                threading.Thread(target=self._supervise, args=(number,), name=f"worker-{number}", daemon=True)
                for number in range(self._number)
            ]
            for thread in self._threads:
                thread.start()

    def stop(self) -> None:
        """Stop the workers and wait until they have ended; the next worker resumes builds in progress."""
        with self._lock:
            self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _supervise(self, number: int) -> None:
        path = self._directory.workers / f"{socket.gethostname()}-supervisor-{number}.lock"
        while not self._stopping.is_set():
            try:
                self._directory.create()
                with acquire_lock(path) as acquired:
                    if acquired:
                        self._keep_running()
            except OSError as error:
                log.warning("a build worker cannot be started", error=str(error))
                self._stopping.wait(_LONGEST_PAUSE)
            self._stopping.wait(_LOCK_SECONDS)

    def _keep_running(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            started = time.monotonic()
            status = self._run_worker()
            if self._stopping.is_set():
                return
            seconds = time.monotonic() - started
            pause = _FIRST_PAUSE if seconds > _STABLE_SECONDS else pause
            log.warning("a build worker ended", status=status, seconds=round(seconds, 1), restart_seconds=pause)
            self._stopping.wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _run_worker(self) -> int:
        worker = subprocess.Popen(  # noqa: S603  # the interpreter's own path, and a constant command
            self._command,
            stdin=subprocess.PIPE,
            env={**os.environ, **self._environment},
            process_group=0,  # Ctrl-C reaches only the service, which then stops its workers
        )
        self.pids.add(worker.pid)
        try:
            while not self._stopping.is_set():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    return worker.wait(_POLL_SECONDS)
            worker.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                return worker.wait(_STOP_SECONDS)
            worker.kill()
            return worker.wait()
        finally:
            self.pids.discard(worker.pid)
            # Kill processes that it has started and left running.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(worker.pid, signal.SIGKILL)
            if worker.stdin:
                worker.stdin.close()


def end_with_parent(stop: threading.Event) -> None:
    """End this process when its standard input is closed. Called by a worker that a supervisor has started.

    Args:
        stop: set when the input is closed. If the worker has not ended five seconds later, it and all processes that it
            has started are killed.
    """

    def wait() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        stop.set()
        time.sleep(5.0)
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=wait, name="parent", daemon=True).start()
