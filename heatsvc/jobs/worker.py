"""Worker: the process that runs builds."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog
from filelock import FileLock, Timeout

from heatsvc.annotation.artifacts import Artifact
from heatsvc.annotation.build import BuildResult, count_finished_shards
from heatsvc.annotation.build import build as build_dataset
from heatsvc.annotation.errors import FaultsError
from heatsvc.annotation.progress import Progress
from heatsvc.cancel import CancelToken
from heatsvc.errors import InputError
from heatsvc.jobs.data_directory import DataDirectory, DataDirectoryError
from heatsvc.jobs.folder import BuildFolder, SavedState, acquire_lock
from heatsvc.jobs.retention import delete_expired
from heatsvc.jobs.state import StoredResult, problem_of
from heatsvc.jobs.supervisor import end_with_parent
from heatsvc.settings import Settings

Build = Callable[..., BuildResult]
"""A function such as `heatsvc.annotation.build.build`."""

_POLL_SECONDS = 0.1
_SCAN_SECONDS = 2.0
_RETRY_SECONDS = 5.0
_RETENTION_SECONDS = 60.0
_STOP_SECONDS = 20.0
_PROGRESS_SECONDS = 0.25
_CANCEL_SECONDS = 0.2

log = structlog.get_logger("heatsvc.builds")


class Worker:
    """Runs builds that have no result and are not locked, the oldest first, until it is stopped.

    Args:
        settings: settings of builds.
        build: the function that builds; tests pass another one.
    """

    def __init__(self, settings: Settings, build: Build = build_dataset):
        self.directory = DataDirectory(settings.data_dir.absolute())
        self._settings = settings
        self._build = build
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Stop soon; the next worker resumes a build in progress. May be called in a signal handler."""
        self._stopping.set()

    def serve(self, *, with_parent: bool = False) -> None:
        """Run as the main function of a process, until SIGTERM or Ctrl-C, or until the parent process ends.

        Args:
            with_parent: whether to end with the parent process, a supervisor.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop())
        if with_parent:
            end_with_parent(self._stopping)
        self.run()

    def run(self) -> None:
        """Run builds until stopped."""
        threads = [
            threading.Thread(target=self._build_until_stopped, name=f"build-{number}", daemon=True)
            for number in range(self._settings.build_concurrency)
        ]
        for thread in threads:
            thread.start()
        log.info("worker is ready", data_dir=str(self.directory.path))
        try:
            self._maintain_until_stopped()
        finally:
            self._stopping.set()
            log.info("worker stops")
            deadline = time.monotonic() + _STOP_SECONDS
            for thread in threads:
                thread.join(max(0.0, deadline - time.monotonic()))

    def _maintain_until_stopped(self) -> None:
        """Hold the lock that shows that a worker runs on this machine, and delete expired builds."""
        path = self.directory.worker_lock
        lock = FileLock(path, blocking=False, fallback_to_soft=False)
        next_retention = 0.0
        while not self._stopping.is_set():
            try:
                self.directory.create()
                if not path.exists():  # the data directory was deleted, with the lock file
                    lock.release()
                if not lock.is_locked:
                    with suppress(Timeout):  # another worker of this machine holds it
                        lock.acquire()
                if time.monotonic() >= next_retention:
                    next_retention = time.monotonic() + _RETENTION_SECONDS
                    delete_expired(self.directory, self._settings)
            except OSError as error:
                log.warning("the data directory cannot be used", error=str(error))
            self._stopping.wait(_SCAN_SECONDS)
        lock.release()

    def _build_until_stopped(self) -> None:
        modified, scanned = -1, 0.0
        while not self._stopping.wait(_POLL_SECONDS):
            try:
                # The folder's modification time changes when a build is added. All builds are also checked now and
                # then, since a worker may have crashed and released its build's lock.
                now = self.directory.builds.stat().st_mtime_ns
                if now == modified and time.monotonic() - scanned < _SCAN_SECONDS:
                    continue
                modified, scanned = now, time.monotonic()
                self.build_pending()
            except FileNotFoundError:
                continue  # the data directory does not exist yet, or was deleted
            except OSError as error:
                log.warning("the data directory cannot be used", error=str(error))
                self._stopping.wait(_RETRY_SECONDS)
            except Exception:
                log.exception("a build could not be started")
                self._stopping.wait(_RETRY_SECONDS)

    def build_pending(self) -> None:
        """Run all builds that have no result and are not locked.

        Raises:
            OSError: the data directory cannot be read.
        """
        for folder in self.directory.unfinished():
            if self._stopping.is_set():
                return
            try:
                self.run_build(folder)
            except OSError as error:
                log.warning("a build was interrupted and will be retried", id=folder.id, error=str(error))
                self._stopping.wait(_RETRY_SECONDS)

    def run_build(self, folder: BuildFolder) -> None:
        """Run a build, unless another worker is running it or it has a result.

        Raises:
            OSError: the data directory cannot be used, or is full; the build has no result and must be retried.
        """
        with acquire_lock(folder.lock) as acquired:
            if not acquired or not folder.exists():
                return
            saved = folder.saved_state()
            if saved.result is None and not folder.is_cancelled:
                self._attempt(folder, saved)
            if folder.is_cancelled:
                self.directory.discard(folder.path)
            elif folder.result(report=False) is not None:
                folder.remove_inputs()

    def _attempt(self, folder: BuildFolder, saved: SavedState) -> None:
        shards = count_finished_shards(folder.shards)
        number = 1 if shards > saved.shards else saved.attempts + 1
        if number > self._settings.build_attempts:
            log.error("build crashed too often", id=folder.id, attempts=saved.attempts)
            detail = (
                f"the build crashed {saved.attempts} times without progress (setting HEATSVC_BUILD_ATTEMPTS): its "
                "worker was killed or ran out of memory; send the request again to retry"
            )
            folder.publish(_failed({"kind": "internal", "detail": detail}))
            return
        # Written before the build begins, so that the attempt is counted even if this process crashes.
        folder.write_state(SavedState(number, max(shards, saved.shards)))
        attempt = folder.begin_attempt()
        log.info("build begins", id=folder.id, attempt=number)
        monitor = _Monitor(folder, self._stopping)
        try:
            result = self._build_in(folder, attempt, monitor)
        except Exception as error:
            if folder.is_cancelled or not folder.exists():
                return
            if self._stopping.is_set():
                folder.write_state(saved)  # this attempt did not crash
                return
            result = self._failure(folder, number, error)
        folder.publish(result, attempt)
        log.info("build ended", id=folder.id, state=result.state)

    def _build_in(self, folder: BuildFolder, attempt: Path, monitor: _Monitor) -> StoredResult:
        monitor.write_progress(Progress("labels"))
        request = folder.request(self._settings.datasets_dir)
        built = self._build(
            request.inputs,
            request.options,
            attempt,
            work=folder.shards,
            check=request.check,
            jobs=self._settings.jobs,
            bounds=self._settings.bounds,
            progress=monitor.write_progress,
            token=monitor,
        )
        return StoredResult("done", built.artifacts, None, None, time.time())

    def _failure(self, folder: BuildFolder, number: int, error: Exception) -> StoredResult:
        """Convert the error of an attempt to a result."""
        if isinstance(error, OSError):
            failure = DataDirectoryError.from_error(error)
            if self.directory.check() is not None or (failure.is_full and number < self._settings.build_attempts):
                raise failure from error
            if failure.is_full:
                return _failed({"kind": "full", "detail": failure.reason})
        if not isinstance(error, InputError):
            log.error("build failed", id=folder.id, exc_info=error)
        return _failed(problem_of(error), error.artifacts if isinstance(error, FaultsError) else ())


class _Monitor(CancelToken):
    """Writes a build's progress and checks whether it is cancelled, both at most a few times per second."""

    def __init__(self, folder: BuildFolder, stopping: threading.Event):
        super().__init__()
        self._folder = folder
        self._stopping = stopping
        self._written = self._checked = 0.0
        self._stage = ""

    def write_progress(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._written >= _PROGRESS_SECONDS or progress.stage != self._stage:
            self._folder.write_progress(progress)
            self._written, self._stage = now, progress.stage

    def raise_if_cancelled(self) -> None:
        now = time.monotonic()
        if now - self._checked >= _CANCEL_SECONDS:
            self._checked = now
            if self._folder.is_cancelled:
                self.cancel()
        if self._stopping.is_set():
            self.cancel()
        super().raise_if_cancelled()


def _failed(problem: dict[str, object], reports: tuple[Artifact, ...] = ()) -> StoredResult:
    """The result of a failed build, with the reports that it has written."""
    return StoredResult("failed", reports, None, problem, time.time())
