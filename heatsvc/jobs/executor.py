"""Executor: does the work of a build, alone, and tells how far it is."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Literal

import structlog

from heatsvc.annotation.artifacts import MEDIA_TYPES, REPORT, REPORT_PAGE, Artifact
from heatsvc.annotation.build import BuildResult
from heatsvc.annotation.errors import FaultsError
from heatsvc.annotation.progress import Progress
from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.check_token import CheckToken
from heatsvc.errors import InputError
from heatsvc.jobs.attempts import Attempts
from heatsvc.jobs.folder import BuildFolder
from heatsvc.jobs.lock import held
from heatsvc.jobs.outcome import Outcome, problem_of

Build = Callable[..., BuildResult]
"""heatsvc.annotation.build.build, or what stands in for it."""

End = Literal["done", "failed", "cancelled", "gone", "stopped"]
"""How a run ended: as the build did, or because there is no such build, or because the worker is to stop."""

_TELL_SECONDS = 0.25
_LOOK_SECONDS = 0.2
_FOR_EVER = float("inf")

log = structlog.get_logger("heatsvc.builds")


class _EndError(Exception):
    """The worker stops, or the build was cancelled."""


@dataclass(frozen=True)
class Executor:
    """Does the work of builds.

    Attributes:
        root: the folder that builds lie in.
        build: what builds.
        datasets: HEATSVC_DATASETS_DIR.
        jobs: processes that read keypoints, in each build.
        bounds: how large a file may be.
        most_attempts: times a build may be cut off in a row without coming further.
        stopping: set once the worker is to stop.
    """

    root: Path
    build: Build
    datasets: Path | None = None
    jobs: int = 1
    bounds: Bounds = DEFAULT_BOUNDS
    most_attempts: int = 20
    stopping: Event = field(default_factory=Event)

    def run(self, id: str) -> End:
        """Bring a build to its outcome; waits for another who is at it, and takes over if that one dies.

        Raises:
            OSError: the disk is full, so that not even the outcome could be written.
        """
        folder = BuildFolder(self.root, id)

        def wait() -> None:
            if self.stopping.is_set():
                raise _EndError

        try:
            with held(folder.lock, seconds=_FOR_EVER, keep_going=wait) as is_held:
                if not is_held or not folder.exists():
                    return "gone"
                outcome = folder.outcome(report=False)
                if outcome is None:
                    outcome = self._work(folder)
                    folder.write_outcome(outcome)
                    log.info("build ended", id=id, state=outcome.state)
                tidy(folder)
                return outcome.state
        except _EndError:
            return "stopped"

    def _work(self, folder: BuildFolder) -> Outcome:
        """Build.

        Raises:
            _EndError: the worker is to stop; the build goes on another time.
            OSError: not even the first thing could be written.
        """
        if folder.is_cancelled:
            return _ended("cancelled")
        before = Attempts.of(folder)
        attempt = before.next(folder.progress())
        if attempt.number > self.most_attempts:
            log.error("build was cut off too often", id=folder.id, attempts=before.number)
            return _ended("failed", problem=problem_of(RuntimeError()))
        attempt.write(folder)
        watch = _Watch(folder, self.stopping)
        log.info("build begins", id=folder.id, attempt=attempt.number)
        try:
            watch.tell(Progress("labels"))
            request = folder.request(self.datasets)
            folder.artifacts.mkdir(exist_ok=True)
            built = self.build(
                request.inputs,
                request.options,
                folder.artifacts,
                check=request.check,
                jobs=self.jobs,
                bounds=self.bounds,
                progress=watch.tell,
                token=CheckToken(watch.look),
            )
        except Exception as error:
            # Asked here, and not of the error: what broke off may have come up as another one.
            if folder.is_cancelled:
                return _ended("cancelled")
            if self.stopping.is_set():
                before.write(folder)  # was not cut off through any fault of the build
                raise _EndError from error
            if not isinstance(error, InputError):
                log.exception("build failed", id=folder.id)
            if isinstance(error, FaultsError):
                reports = tuple(_artifact(folder.artifacts / name) for name in (REPORT, REPORT_PAGE))
                found = tuple(artifact for artifact in reports if artifact)
                return _ended("failed", found, error.report, problem_of(error))
            return _ended("failed", problem=problem_of(error))
        return _ended("done", built.artifacts, built.report)


class _Watch:
    """Tells of a build's progress, and looks whether it is still wanted, both not too often."""

    def __init__(self, folder: BuildFolder, stopping: Event):
        self._folder = folder
        self._stopping = stopping
        self._told = self._looked = 0.0
        self._stage = ""

    def tell(self, progress: Progress) -> None:
        """Write it down, if it is news."""
        now = time.monotonic()
        if now - self._told >= _TELL_SECONDS or progress.stage != self._stage:
            self._folder.write_progress(progress)
            self._told, self._stage = now, progress.stage

    def look(self) -> None:
        """Raise _EndError once the build is not wanted, or not here."""
        if self._stopping.is_set():
            raise _EndError
        now = time.monotonic()
        if now - self._looked >= _LOOK_SECONDS:
            self._looked = now
            if self._folder.is_cancelled:
                raise _EndError


def tidy(folder: BuildFolder) -> None:
    """Remove what a build that has an outcome needs no longer: uploads and parts."""
    shutil.rmtree(folder.uploads, ignore_errors=True)
    shutil.rmtree(folder.artifacts / "work", ignore_errors=True)


def _ended(
    state: Literal["done", "failed", "cancelled"],
    artifacts: tuple[Artifact, ...] = (),
    report: dict[str, object] | None = None,
    problem: dict[str, object] | None = None,
) -> Outcome:
    return Outcome(state, artifacts, report, problem, time.time())


def _artifact(path: Path) -> Artifact | None:
    """A file that lies there already."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return Artifact(path.name, MEDIA_TYPES[path.name], file.tell(), digest)
    except FileNotFoundError:
        return None
