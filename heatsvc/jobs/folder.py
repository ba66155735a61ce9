"""BuildFolder: a build on disk. The folder is the only record of a build: there is no database.

<data directory>/builds/<id>/
  request.json    what is to be built; written before the folder becomes visible
  uploads/        the files that were sent
  lock            held by the worker that builds it
  state.json      attempts so far, and the result; replaced as a whole, by the holder of the lock alone
  progress.json   how far the build is
  shards/         what build() has finished reading, with checksums; kept from one attempt to the next
  attempt-*/      what the current attempt writes
  artifacts/      the finished files: the last attempt's folder, renamed; not shown before state.json has the result
  cancelled       exists once the build is to be removed
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
        path: the lock file; created where its folder exists.
        seconds: how long to wait for another holder.

    Yields:
        Whether the lock is held: not where another process or thread holds it, or where its folder does not exist.

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
        # The folder may be removed at any moment; filelock makes it again, or finds that another request just did.
        with suppress(FileNotFoundError, NotADirectoryError, FileExistsError):
            path.touch()
            before = path.stat()
            try:
                lock.acquire()
            except Timeout:
                return False
            # Meanwhile the folder may have been removed and another have taken its place: this lock would be that of
            # the removed one.
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
    """Whether this may be a build's id: 32 hexadecimal digits, in lower case."""
    return _ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class SavedState:
    """The content of state.json.

    Attributes:
        attempts: attempts begun since one of them last finished a shard.
        shards: the most shards that were finished when an attempt began.
        result: how the build ended; None until it has.
    """

    attempts: int = 0
    shards: int = 0
    result: StoredResult | None = None


_SAVED_STATE = TypeAdapter(SavedState)


class BuildFolder:
    """The folder of a build, whether it exists or not. Methods that write raise OSError where that fails.

    Attributes:
        id: the build's id, 32 hexadecimal digits.
        path: the folder itself.
        uploads: the files that were sent.
        shards: what build() has finished reading.
        artifacts: the finished files.
        lock: the lock file.

    Raises:
        ValueError: this is not an id.
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
        """Whether there is such a build."""
        return (self.path / "request.json").exists()

    def remove_if_only_locked(self) -> None:
        """Remove a folder with nothing but a lock file: filelock creates the folder of a lock where it is missing."""
        with suppress(OSError):  # another request was faster
            if {entry.name for entry in self.path.iterdir()} <= {self.lock.name}:
                self.lock.unlink(missing_ok=True)
                self.path.rmdir()

    def submitted_at(self) -> float:
        """When the build was submitted, by the file system's clock, to sort by; 0 where there is no such build."""
        try:
            return (self.path / "request.json").stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def request(self, datasets: Path | None = None) -> BuildRequest:
        """What is to be built.

        Args:
            datasets: HEATSVC_DATASETS_DIR.

        Raises:
            AnnotationError: its dataset is not mounted, or no longer.
            OSError: there is no such build.
        """
        return BuildRequest.from_json(orjson.loads((self.path / "request.json").read_bytes()), self.uploads, datasets)

    def state(self, *, report: bool = True) -> BuildState | None:
        """State, progress and result of the build; None where there is no such build.

        Args:
            report: whether to read the result's report, which may be large.
        """
        request = _read(self.path / "request.json")
        if request is None:
            return None
        created, progress, result = float(request["created"]), self.progress(), self.result(report=report)
        if self.is_cancelled:
            # It may take a moment to end; for clients it has ended, whatever its result.
            return BuildState(self.id, "cancelled", created, progress, result)
        if result is not None:
            return BuildState(self.id, result.state, created, progress, result)
        return BuildState(self.id, "queued" if progress.stage == "waiting" else "running", created, progress, None)

    def progress(self) -> Progress:
        """How far the build is; `waiting` until a worker begins it, and where a power failure emptied the file."""
        try:
            document = _read(self.path / "progress.json")
            return Progress(**document) if document else Progress("waiting")
        except (ValueError, TypeError):
            return Progress("waiting")

    def write_progress(self, progress: Progress) -> None:
        """Write how far the build is."""
        # Replaced as a whole, but not synced: it may be lost in a power failure.
        aside = self.path / ".progress.json.part"
        aside.write_bytes(orjson.dumps(progress))
        aside.replace(self.path / "progress.json")

    def saved_state(self) -> SavedState:
        """The content of state.json; that of a build never begun where there is no such file."""
        try:
            return _SAVED_STATE.validate_json((self.path / "state.json").read_bytes())
        except (FileNotFoundError, ValueError):  # or damaged by the disk: to be built again
            return SavedState()

    def write_state(self, saved: SavedState) -> None:
        """Replace state.json; for the holder of the lock."""
        write_json(self.path / "state.json", _SAVED_STATE.dump_python(saved, mode="json"))

    def result(self, *, report: bool = True) -> StoredResult | None:
        """How the build ended; None until it has.

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
        """Have a finished build count as finished now: it was submitted again."""
        with suppress(FileNotFoundError):
            os.utime(self.path / "state.json")

    def begin_attempt(self) -> Path:
        """An empty folder for an attempt to write into; what earlier attempts left is deleted."""
        for left in (*self.path.glob("attempt-*"), self.artifacts):
            shutil.rmtree(left, ignore_errors=True)
        attempt = self.path / f"attempt-{secrets.token_hex(8)}"
        attempt.mkdir()
        return attempt

    def publish(self, result: StoredResult, attempt: Path | None = None) -> None:
        """Write how the build ended: from here on its artifacts are visible.

        Args:
            result: how it ended.
            attempt: the folder that has the artifacts. It no longer exists if another worker has taken over the build,
                as may happen where a network file system has lost this worker's lock: then nothing is written.
        """
        if attempt is not None:
            attempt.rename(self.artifacts)
            sync_folder(self.path)
        self.write_state(SavedState(result=result))

    def remove_inputs(self) -> None:
        """Delete what a finished build no longer needs: uploads and shards."""
        for left in (self.uploads, self.shards, *self.path.glob("attempt-*")):
            shutil.rmtree(left, ignore_errors=True)

    @property
    def is_cancelled(self) -> bool:
        """Whether the build is to be removed."""
        return (self.path / "cancelled").exists()

    def cancel(self) -> None:
        """Ask that the build end and be removed.

        Raises:
            FileNotFoundError: there is no such build.
        """
        (self.path / "cancelled").touch()


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Replace a JSON file as a whole, also in case of a power failure: written aside, synced, renamed."""
    write_atomically(path, [orjson.dumps(document, default=str)])


def _read(path: Path) -> dict[str, Any] | None:
    try:
        document: dict[str, Any] = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    return document


def size_of(folder: Path) -> int:
    """Bytes that a folder takes on disk, as far as it can be read while others change it."""
    size = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                size += os.lstat(os.path.join(parent, name)).st_blocks * 512
    return size
