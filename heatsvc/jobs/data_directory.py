"""DataDirectory: the folder for uploads and builds, and the error if it cannot be used."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from heatsvc.jobs.folder import BuildFolder, is_build_id, is_locked

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_PROBE_BYTES = 1 << 16


class DataDirectoryError(OSError):
    """The data directory is full, read-only, deleted or otherwise unusable.

    Attributes:
        reason: the reason, without paths, for clients.
        is_full: whether there is no space left (HTTP 507); otherwise the directory cannot be used (HTTP 503).
    """

    def __init__(self, code: int | None, message: str):
        super().__init__(code, message)
        self.is_full = code in _FULL
        problem = "is full" if self.is_full else "cannot be used"
        self.reason = f"the data directory (setting HEATSVC_DATA_DIR) {problem}: {message}"

    def __str__(self) -> str:
        return self.reason

    @classmethod
    def from_error(cls, error: OSError) -> DataDirectoryError:
        """Convert an OSError from a file in the data directory."""
        return error if isinstance(error, cls) else cls(error.errno, error.strerror or type(error).__name__)


@contextmanager
def data_directory_errors() -> Iterator[None]:
    """Raise each OSError of the block, or of the decorated function, as a DataDirectoryError."""
    try:
        yield
    except OSError as error:
        raise DataDirectoryError.from_error(error) from error


class DataDirectory:
    """The data directory and its subfolders. Methods that write raise OSError if it cannot be used.

    Attributes:
        path: the directory; it and its subfolders are created when needed, also after they were deleted.
        builds: folder of builds, each in a folder named by its id.
        uploads: folder of uploads in progress.
        removed: folder of files that are being deleted; moving them here hides them at once.
        workers: folder of the workers' lock files.
    """

    def __init__(self, path: Path):
        self.path = path
        self.builds, self.uploads, self.removed, self.workers = self._subfolders = tuple(
            path / name for name in ("builds", "uploads", "removed", "workers")
        )

    def create(self) -> None:
        """Create the directory and its subfolders if they do not exist."""
        for folder in self._subfolders:
            folder.mkdir(parents=True, exist_ok=True)

    def check(self) -> str | None:
        """Check whether the directory can be used. Return the reason of a DataDirectoryError if not, else None.

        This writes a small file and deletes it. A directory that does not exist can be used if it can be created,
        which this method does not do.
        """
        probe = self.path / f".check-{secrets.token_hex(8)}"
        try:
            existing = next(folder for folder in (self.path, *self.path.absolute().parents) if folder.exists())
            if not existing.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            if existing != self.path:
                if not os.access(existing, os.W_OK | os.X_OK):
                    raise PermissionError(errno.EACCES, "it does not exist and cannot be created")
                return None
            try:
                probe.write_bytes(b"\0" * _PROBE_BYTES)
            finally:
                probe.unlink(missing_ok=True)
            for folder in self._subfolders:
                if folder.exists() and not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
                    raise PermissionError(errno.EACCES, f"its folder {folder.name} is not writable")
        except OSError as error:
            return DataDirectoryError.from_error(error).reason
        return None

    @property
    def worker_lock(self) -> Path:
        """The lock file that a worker holds as long as workers run on this machine."""
        return self.workers / f"{socket.gethostname()}.lock"

    def is_worker_alive(self) -> bool:
        """Whether a worker runs on this machine."""
        try:
            return is_locked(self.worker_lock)
        except OSError:
            return False

    def build(self, id: str) -> BuildFolder:
        """The folder of a build, which need not exist.

        Raises:
            ValueError: the id is invalid.
        """
        return BuildFolder(self.builds, id)

    def all_builds(self) -> list[BuildFolder]:
        """All builds, in no particular order."""
        try:
            names = [path.name for path in self.builds.iterdir()]
        except FileNotFoundError:
            return []
        return [BuildFolder(self.builds, name) for name in names if is_build_id(name)]

    def unfinished(self) -> list[BuildFolder]:
        """Builds without a result, the oldest first."""
        pending = [folder for folder in self.all_builds() if folder.result(report=False) is None]
        return sorted(pending, key=BuildFolder.submitted_at)

    @data_directory_errors()
    def new_upload(self) -> Path:
        """Create an empty folder for the files of a request; the caller must discard it unless it is submitted."""
        folder = self.uploads / secrets.token_hex(16)
        folder.mkdir(parents=True)
        return folder

    @data_directory_errors()
    def discard(self, folder: Path) -> None:
        """Delete a folder if it exists. It disappears at once, even if deleting its files is interrupted."""
        self.removed.mkdir(parents=True, exist_ok=True)
        aside = self.removed / secrets.token_hex(16)
        try:
            folder.rename(aside)
        except FileNotFoundError:
            return
        shutil.rmtree(aside, ignore_errors=True)
