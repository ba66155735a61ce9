"""Rounds: what each worker looks after every few seconds, so that no build is forgotten, whoever died."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import structlog

from heatsvc.jobs.folder import BuildFolder
from heatsvc.jobs.ledger import Entry, Ledger
from heatsvc.jobs.lock import held
from heatsvc.jobs.place import Place
from heatsvc.jobs.presence import is_present

_IDLE_SECONDS = 5.0
_REMOVE_SECONDS = 60.0

log = structlog.get_logger("heatsvc.builds")


@dataclass
class Rounds:
    """Goes through the unfinished builds, and sees to it that each is booked or worked on.

    Attributes:
        place: the data folder.
        ledger: who is to work on which.
    """

    place: Place
    ledger: Ledger
    _idle_since: dict[str, float] = field(default_factory=dict)

    def go(self) -> None:
        """Go through them once.

        Raises:
            Exception: what the database raises.
        """
        unfinished = self.place.unfinished()
        entries = self.ledger.entries([folder.id for folder in unfinished])
        idle = {}
        for folder in unfinished:
            entry = entries.get(folder.id)
            if entry is not None and entry.status == "ENQUEUED" and not folder.is_cancelled:
                continue
            with held(folder.lock) as is_mine:  # else somebody works on it, or looks after it just now
                if is_mine:
                    idle[folder.id] = self._idle_since.get(folder.id, time.monotonic())
                    self._look_after(folder, time.monotonic() - idle[folder.id])
        self._idle_since = idle

    def _look_after(self, folder: BuildFolder, idle_seconds: float) -> None:
        """See to a build that nobody works on."""
        if not folder.exists() or folder.outcome(report=False) is not None:
            return
        if folder.is_cancelled:
            # Whoever asked for it deletes it as well, unless they died.
            if idle_seconds >= _REMOVE_SECONDS:
                self.place.discard(folder.path)
                self.ledger.strike([folder.id])
            return
        entry = self.ledger.entries([folder.id]).get(folder.id)
        if entry is None or self._is_forsaken(entry, idle_seconds):
            log.info("build is taken up", id=folder.id, status=entry and entry.status)
            self.ledger.book_again(folder.id, entry)

    def _is_forsaken(self, entry: Entry, idle_seconds: float) -> bool:
        if entry.status == "ENQUEUED":
            return False
        if entry.status == "PENDING" and entry.worker and is_present(self.place.workers, entry.worker):
            # It may have been handed over this very moment.
            return idle_seconds >= _IDLE_SECONDS
        return True
