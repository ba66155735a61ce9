"""Builds: what the service does with builds, none of which it makes itself."""

from __future__ import annotations

import heapq
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import structlog

from heatsvc.jobs.folder import BuildFolder, is_build_id, write_json
from heatsvc.jobs.lock import held
from heatsvc.jobs.place import Place
from heatsvc.jobs.request import BuildRequest
from heatsvc.jobs.state import BuildState, state_of
from heatsvc.jobs.supervisor import Builders, Supervisor

if TYPE_CHECKING:
    from heatsvc.jobs.ledger import Ledger

Result = TypeVar("Result")

_END_SECONDS = 15.0
"""A build looks several times a second whether it is still wanted; more than this is no build but a hanging disk."""
_NOTE_SECONDS = 5.0
"""The ledger waits for a locked database without end; whoever sends a build does not."""

log = structlog.get_logger("heatsvc.builds")


class StillEndingError(Exception):
    """A build was cancelled and has not ended yet: to be asked again later."""


class Builds:
    """The builds in a data folder. Methods block, and may be called from any thread.

    Args:
        data_dir: the data folder; made when it is first needed.
        database_url: PostgreSQL; None: a SQLite file in the data folder.
        datasets_dir: where mounted datasets lie.
        workers: processes to start here, once there is something to build; 0: they run elsewhere.
        environment: variables for these, which have their settings from there.
        builders: who starts workers in place of this process, which then starts none.
    """

    def __init__(
        self,
        data_dir: Path,
        database_url: str | None = None,
        *,
        datasets_dir: Path | None = None,
        workers: int = 0,
        environment: Mapping[str, str] | None = None,
        builders: Builders | None = None,
    ):
        self._place = Place(data_dir)
        self._database_url = database_url
        self._datasets = datasets_dir
        self._builders = builders or (Supervisor(workers, environment or {}) if workers else None)
        self._lock = threading.Lock()
        self._ledger: Ledger | None = None

    def start(self) -> None:
        """Go on with what an earlier service left unfinished."""
        if self._builders and self._place.unfinished():
            self._builders.start()

    def stop(self) -> None:
        """End the workers started here; builds under way go on when the service is started again."""
        if self._builders:
            self._builders.stop()
        self._drop_ledger()

    def new_upload(self) -> Path:
        """An empty folder for the files of one request; where no build comes of it, the caller deletes it.

        Raises:
            OSError: it cannot be made.
        """
        return self._place.new_folder(self._place.uploads)

    def submit(self, upload: Path, request: BuildRequest, id: str) -> BuildState:
        """Have something built, if it was not, nor is about to be; the upload belongs to the build from here on.

        Args:
            upload: what new_upload gave; the request's files lie in it.
            request: what is to be built.
            id: a hash of the files' contents, the options and whether it is a check: 32 hexadecimal digits.

        Raises:
            ValueError: this is no id, or a file lies elsewhere.
            StillEndingError: the same build was cancelled just now, and has not ended.
            OSError: the disk is full.
        """
        folder = self._place.build(id)
        staged = self._staged(upload, request)
        try:
            known = self._place_build(folder, staged)
        finally:
            if staged.exists():
                self._place.discard(staged)
        if self._builders:
            self._builders.start()
        # What has an outcome needs nobody, and what is waiting was booked, or will be by the workers' rounds.
        if known is None:
            self._try(lambda ledger: ledger.book(id))
        state = known or state_of(folder)
        if state is None:
            raise StillEndingError(id)
        return state

    def get(self, id: str) -> BuildState | None:
        """A build with its report; None where there is none, or this is no id."""
        return state_of(self._place.build(id)) if is_build_id(id) else None

    def folder(self, id: str) -> BuildFolder:
        """Where a build's files lie.

        Raises:
            ValueError: this is no id.
        """
        return self._place.build(id)

    def list(self, limit: int = 100) -> list[BuildState]:
        """The newest builds, the newest first, without their reports."""
        newest = heapq.nlargest(limit, self._place.all_builds(), key=_sent)
        states = (state_of(folder, report=False) for folder in newest)
        return [state for state in states if state is not None]

    def remove(self, id: str) -> bool:
        """End a build if it is under way, and delete all that there is of it.

        Returns:
            Whether there was such a build.

        Raises:
            StillEndingError: it does not end; the workers delete it once it has.
        """
        if not is_build_id(id):
            return False
        folder = self._place.build(id)
        try:
            folder.cancel()
        except FileNotFoundError:
            return False
        with held(folder.lock, seconds=_END_SECONDS) as is_mine:
            # Not the one that somebody sent again meanwhile.
            if is_mine and folder.is_cancelled:
                self._place.discard(folder.path)
        if not is_mine and folder.exists():
            raise StillEndingError(id)
        self._try(lambda ledger: ledger.strike([id]))
        return True

    def _staged(self, upload: Path, request: BuildRequest) -> Path:
        """A folder that holds all that a build has when it begins."""
        self._place.make()
        document = request.as_json(upload, self._datasets)
        staged = self._place.new_folder(self._place.uploads)
        upload.rename(staged / "uploads")
        write_json(staged / "request.json", document)
        return staged

    def _place_build(self, folder: BuildFolder, staged: Path) -> BuildState | None:
        """Put a build in its place; the one that is there already, if that will do."""
        while True:
            known = state_of(folder)
            if known is not None and _will_do(known):
                if known.outcome is not None:
                    with suppress(FileNotFoundError):
                        os.utime(folder.path / "outcome.json")  # asked for again: it is not old
                return known
            if known is not None:
                with held(folder.lock, seconds=_END_SECONDS) as is_mine:
                    if not is_mine and folder.exists():
                        raise StillEndingError(folder.id)
                    known = state_of(folder)
                    if is_mine and known is not None and not _will_do(known):
                        self._place.discard(folder.path)
                        self._try(lambda ledger: ledger.strike([folder.id]))
                continue
            try:
                staged.rename(folder.path)
            except OSError:
                if folder.exists():
                    continue  # another was faster
                raise
            return None

    def _try(self, work: Callable[[Ledger], object]) -> None:
        """Note something in the ledger; where that cannot be done, or not soon, the workers' rounds do it."""
        noting = threading.Thread(target=self._note, args=(work,), daemon=True)
        noting.start()
        noting.join(_NOTE_SECONDS)
        if noting.is_alive():
            log.warning("the builds' database does not answer", error=f"nothing for {_NOTE_SECONDS:g} s")

    def _note(self, work: Callable[[Ledger], object]) -> None:
        from heatsvc.jobs.ledger import Ledger

        if not self._lock.acquire(timeout=_NOTE_SECONDS):
            return  # who came before waits for the database still, and was told of
        try:
            if self._ledger is None:
                self._ledger = Ledger(self._place.database_url(self._database_url))
            work(self._ledger)
        except FileNotFoundError:
            pass  # the first worker is about to make it
        except Exception as error:
            log.warning("the builds' database does not answer", error=f"{type(error).__name__}: {error}"[:500])
            self._ledger = None
        finally:
            self._lock.release()

    def _drop_ledger(self) -> None:
        # Who still waits for a locked database ends with the process.
        if self._lock.acquire(blocking=False):
            if self._ledger is not None:
                self._ledger.close()
                self._ledger = None
            self._lock.release()


def _will_do(state: BuildState) -> bool:
    """Whether the same, built anew, would come to the same."""
    if state.state == "cancelled":  # also where it was done before anybody could end it
        return False
    return state.outcome is None or state.outcome.lasts


def _sent(folder: BuildFolder) -> float:
    try:
        return (folder.path / "request.json").stat().st_mtime
    except FileNotFoundError:
        return 0.0
