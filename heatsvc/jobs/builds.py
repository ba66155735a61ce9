"""Builds: submits, lists, describes and cancels builds, which build workers run."""

from __future__ import annotations

import errno
import heapq
from pathlib import Path

import structlog

from heatsvc.jobs.data_directory import DataDirectory, data_directory_errors
from heatsvc.jobs.folder import BuildFolder, acquire_lock, is_build_id, write_json
from heatsvc.jobs.request import BuildRequest
from heatsvc.jobs.state import BuildState
from heatsvc.jobs.supervisor import Supervisor
from heatsvc.settings import Settings

_MAX_TRIES = 1000
_END_SECONDS = 15.0
"""Builds check several times per second whether they are cancelled; only a hanging disk makes this take longer."""

log = structlog.get_logger("heatsvc.builds")


class StillEndingError(Exception):
    """A build was cancelled but has not ended yet; the caller can try again later."""


class Builds:
    """The builds in a data directory. Methods block, and may be called from several threads and processes.

    All methods but `folder` raise DataDirectoryError if the data directory cannot be used.

    Args:
        settings: `data_dir`, `datasets_dir`, and `build_workers`, the number of worker processes to start with the
            first build; 0 if they run elsewhere. The service processes of one machine share them.

    Attributes:
        directory: the data directory.
    """

    def __init__(self, settings: Settings):
        self.directory = DataDirectory(settings.data_dir)
        self._datasets = settings.datasets_dir
        self._supervisor = Supervisor(self.directory, settings.build_workers, settings.worker_environment())

    def start(self) -> None:
        """Start workers if an earlier process left builds unfinished."""
        try:
            if self.directory.unfinished():
                self._supervisor.start()
        except OSError as error:
            log.warning("unfinished builds cannot be resumed before the next one is submitted", error=str(error))

    def stop(self) -> None:
        """Stop the workers of this process; builds in progress are resumed when the service is started again."""
        self._supervisor.stop()

    @data_directory_errors()
    def submit(self, upload: Path, request: BuildRequest, id: str) -> BuildState:
        """Submit a build, unless the same build exists. The upload's files are moved into its folder.

        Args:
            upload: a folder made by `directory.new_upload`, with the request's files.
            request: what to build.
            id: 32 hexadecimal digits, a hash of the files' contents, the options and whether it is a check.

        Raises:
            ValueError: the id is invalid, or a file is not in the folder.
            StillEndingError: the same build was just cancelled and has not ended yet.
        """
        folder = self.directory.build(id)
        document = request.as_json(upload, self._datasets)
        self.directory.create()
        staged = self.directory.new_upload()
        try:
            upload.rename(staged / "uploads")
            write_json(staged / "request.json", document)
            self._enqueue(folder, staged)
        finally:
            self.directory.discard(staged)
        self._supervisor.start()
        state = folder.state()
        if state is None:  # deleted by another process
            raise StillEndingError(id)
        return state

    @data_directory_errors()
    def get(self, id: str) -> BuildState | None:
        """A build with its report; None if it does not exist or the id is invalid."""
        return self.directory.build(id).state() if is_build_id(id) else None

    def folder(self, id: str) -> BuildFolder:
        """The folder of a build.

        Raises:
            ValueError: the id is invalid.
        """
        return self.directory.build(id)

    @data_directory_errors()
    def list(self, limit: int = 100) -> list[BuildState]:
        """The latest builds, the newest first, without their reports."""
        newest = heapq.nlargest(limit, self.directory.all_builds(), key=BuildFolder.submitted_at)
        states = (folder.state(report=False) for folder in newest)
        return [state for state in states if state is not None]

    @data_directory_errors()
    def remove(self, id: str) -> bool:
        """Cancel a build if it is in progress, and delete it.

        Returns:
            Whether the build existed.

        Raises:
            StillEndingError: the build has not ended yet; a worker deletes it when it has.
        """
        if not is_build_id(id):
            return False
        folder = self.directory.build(id)
        try:
            folder.cancel()
        except FileNotFoundError:
            return False
        self._discard(folder)
        return True

    def _enqueue(self, folder: BuildFolder, staged: Path) -> None:
        """Add a new build, unless the same build exists and can be used."""
        tries = 0
        while True:
            present = folder.state(report=False)
            if present is None:
                try:
                    staged.rename(folder.path)
                    return
                except OSError as error:
                    # Another request was faster, or locking a build during its deletion created its folder again.
                    tries += 1
                    if not folder.exists():
                        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) or tries == _MAX_TRIES:
                            raise
                        folder.remove_if_only_locked()
            elif _is_usable(present):
                if not folder.exists():  # deleted while its files were read, which are then not valid
                    continue
                if present.result is not None:
                    folder.mark_used()
                return
            else:
                self._discard(folder)

    def _discard(self, folder: BuildFolder) -> None:
        """Delete a build that is cancelled or cannot be used, as soon as no worker runs it."""
        with acquire_lock(folder.lock, seconds=_END_SECONDS) as acquired:
            state = folder.state(report=False)
            if state is None or _is_usable(state):  # deleted or submitted again in the meantime
                return
            if not acquired:
                raise StillEndingError(folder.id)
            self.directory.discard(folder.path)


def _is_usable(state: BuildState) -> bool:
    """Whether building it again would have the same result."""
    if state.state == "cancelled":  # even if it was done before
        return False
    return state.result is None or state.result.is_reusable
