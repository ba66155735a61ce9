"""BuildFolder: a build on disk. The folder is the only record of a build: there is no database.

<data directory>/builds/<id>/
  request.json    what to build; written before the folder becomes visible
  uploads/        the uploaded files
  lock            held by the worker that runs the build
  state.json      attempts so far, and the result; replaced atomically, only by the holder of the lock
  progress.json   the progress of the build
  shards/         clips that were read, with checksums; kept between attempts
  attempt-*/      files of the current attempt
  artifacts/      the finished files: the last attempt's folder, renamed; not visible before state.json has the result
  cancelled       exists if the build was cancelled and must be deleted
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
from filelock import FileLock, Timeout
from pydantic import TypeAdapter

from heatsvc.annotation.artifacts import REPORT, sync_folder, write_atomically
from heatsvc.annotation.progress import Progress
from heatsvc.jobs.request import BuildRequest
from heatsvc.jobs.state import BuildState, StoredResult

_ID = re.compile(r"[0-9a-f]{32}")


@contextmanager
def acquire_lock(path: Path, *, seconds: float = 0.0) -> Iterator[bool]:
    """Hold a lock file during the block. The system releases it when its process dies.

    Args:
        path: the lock file; created if its folder exists.
        seconds: how long to wait for another holder.

    Yields:
        Whether the lock is held; False if another process or thread holds it, or its folder does not exist.

    Raises:
        OSError: the lock file cannot be created or opened, or the file system has no locks.
    """
    lock = FileLock(path, timeout=seconds, fallback_to_soft=False)
    try:
        yield _acquire(lock, path)
    finally:
        lock.release()


def _acquire(lock: FileLock, path: Path) -> bool:
    while path.parent.exists():
        # The folder may be deleted at any moment; filelock creates it again, or finds that another request just did.
        with suppress(FileNotFoundError, NotADirectoryError, FileExistsError):
            path.touch()
            before = path.stat()
            try:
                lock.acquire()
            except Timeout:
                return False
            # Meanwhile the folder may have been deleted and created again; then this lock is that of the deleted one.
            if os.path.samestat(before, path.stat()):
                return True
        lock.release()
    return False


def is_locked(path: Path) -> bool:
    """Whether another process or thread holds a lock file."""
    if not path.exists():
        return False
    with acquire_lock(path) as acquired:
        return not acquired


def is_build_id(text: str) -> bool:
    """Whether a text has the form of a build's id: 32 lower-case hexadecimal digits."""
    return _ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class SavedState:
    """The content of state.json.

    Attributes:
        attempts: number of attempts since one of them last finished a shard.
        shards: largest number of finished shards at the start of an attempt.
        result: result of the build; None until it has ended.
    """

    attempts: int = 0
    shards: int = 0
    result: StoredResult | None = None


_SAVED_STATE = TypeAdapter(SavedState)


class BuildFolder:
    """The folder of a build, which need not exist. Methods that write raise OSError if they fail.

    Attributes:
        id: the build's id, 32 hexadecimal digits.
        path: the folder.
        uploads: folder of the uploaded files.
        shards: folder of shards.
        artifacts: folder of the finished files.
        lock: the lock file.

    Raises:
        ValueError: the id is invalid.
    """

    def __init__(self, root: Path, id: str):
        if not is_build_id(id):
            raise ValueError(f"{id!r:.80} is not the id of a build")
        self.id = id
        self.path = root / id
        self.uploads = self.path / "uploads"
        self.shards = self.path / "shards"
        self.artifacts = self.path / "artifacts"
        self.lock = self.path / "lock"

    def exists(self) -> bool:
        """Whether the build exists."""
        return (self.path / "request.json").exists()

    def remove_if_only_locked(self) -> None:
        """Delete a folder that has only a lock file: filelock creates the folder of a lock if it is missing."""
        with suppress(OSError):  # another request was faster
            if {entry.name for entry in self.path.iterdir()} <= {self.lock.name}:
                self.lock.unlink(missing_ok=True)
                self.path.rmdir()

    def submitted_at(self) -> float:
        """When the build was submitted, by the file system's clock, for sorting; 0 if it does not exist."""
        try:
            return (self.path / "request.json").stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def request(self, datasets: Path | None = None) -> BuildRequest:
        """What to build.

        Args:
            datasets: HEATSVC_DATASETS_DIR.

        Raises:
            AnnotationError: its dataset is not mounted.
            OSError: the build does not exist.
        """
        return BuildRequest.from_json(orjson.loads((self.path / "request.json").read_bytes()), self.uploads, datasets)

    def state(self, *, report: bool = True) -> BuildState | None:
        """State, progress and result of the build; None if it does not exist.

        Args:
            report: whether to read the result's report, which may be large.
        """
        request = _read(self.path / "request.json")
        if request is None:
            return None
        created, progress, result = float(request["created"]), self.progress(), self.result(report=report)
        if self.is_cancelled:
            # It may still be ending; for clients it has ended, even if it has a result.
            return BuildState(self.id, "cancelled", created, progress, result)
        if result is not None:
            return BuildState(self.id, result.state, created, progress, result)
        return BuildState(self.id, "queued" if progress.stage == "waiting" else "running", created, progress, None)

    def progress(self) -> Progress:
        """Progress of the build; `waiting` until a worker begins it, and if a power failure emptied the file."""
        try:
            document = _read(self.path / "progress.json")
            return Progress(**document) if document else Progress("waiting")
        except (ValueError, TypeError):
            return Progress("waiting")

    def write_progress(self, progress: Progress) -> None:
        """Write the progress of the build."""
        aside = self.path / ".progress.json.part"
        aside.write_bytes(orjson.dumps(progress))
        aside.replace(self.path / "progress.json")

    def saved_state(self) -> SavedState:
        """The content of state.json; if the file does not exist, the state of a build that was never begun."""
        try:
            return _SAVED_STATE.validate_json((self.path / "state.json").read_bytes())
        except (FileNotFoundError, ValueError):  # missing or damaged: build again
            return SavedState()

    def write_state(self, saved: SavedState) -> None:
        """Replace state.json. Only the holder of the lock may call this."""
        write_json(self.path / "state.json", _SAVED_STATE.dump_python(saved, mode="json"))

    def result(self, *, report: bool = True) -> StoredResult | None:
        """Result of the build; None until it has ended.

        Args:
            report: whether to read the report, which may be large.
        """
        result = self.saved_state().result
        if result is None or not report or all(artifact.name != REPORT for artifact in result.artifacts):
            return result
        return replace(result, report=_read(self.artifacts / REPORT))

    def finished_at(self) -> float:
        """When the build ended or was last submitted again, by the file system's clock."""
        return (self.path / "state.json").stat().st_mtime

    def mark_used(self) -> None:
        """Reset the age of a finished build, which was submitted again."""
        with suppress(FileNotFoundError):
            os.utime(self.path / "state.json")

    def begin_attempt(self) -> Path:
        """Create an empty folder for the files of an attempt; files of earlier attempts are deleted."""
        for left in (*self.path.glob("attempt-*"), self.artifacts):
            shutil.rmtree(left, ignore_errors=True)
        attempt = self.path / f"attempt-{secrets.token_hex(8)}"
        attempt.mkdir()
        return attempt

    def publish(self, result: StoredResult, attempt: Path | None = None) -> None:
        """Write the result of the build and make its artifacts visible.

        Args:
            result: the result.
            attempt: the folder with the artifacts. If it no longer exists, nothing is written: another worker has taken
                over the build, because a network file system has lost this worker's lock.
        """
        if attempt is not None:
            attempt.rename(self.artifacts)
            sync_folder(self.path)
        self.write_state(SavedState(result=result))

    def remove_inputs(self) -> None:
        """Delete the uploads and shards, which a finished build no longer needs."""
        for left in (self.uploads, self.shards, *self.path.glob("attempt-*")):
            shutil.rmtree(left, ignore_errors=True)

    @property
    def is_cancelled(self) -> bool:
        """Whether the build was cancelled."""
        return (self.path / "cancelled").exists()

    def cancel(self) -> None:
        """Mark the build as cancelled, so that it ends and is deleted.

        Raises:
            FileNotFoundError: the build does not exist.
        """
        (self.path / "cancelled").touch()


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Replace a JSON file atomically, even in a power failure: write a new file, sync it, rename it."""
    write_atomically(path, [orjson.dumps(document, default=str)])


def _read(path: Path) -> dict[str, Any] | None:
    try:
        document: dict[str, Any] = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    return document


def size_of(folder: Path) -> int:
    """Size of a folder on disk in bytes; files that other processes delete meanwhile are skipped."""
    size = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                size += os.lstat(os.path.join(parent, name)).st_blocks * 512
    return size
