"""Sweep: finished builds and given-up uploads go, by age and by size."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import structlog

from heatsvc.jobs.executor import tidy
from heatsvc.jobs.folder import BuildFolder, size_of
from heatsvc.jobs.ledger import Ledger
from heatsvc.jobs.lock import held
from heatsvc.jobs.place import Place
from heatsvc.jobs.presence import sweep_absent

log = structlog.get_logger("heatsvc.builds")


@dataclass(frozen=True, slots=True)
class Keep:
    """How long things are kept.

    Attributes:
        seconds: a finished build, since it ended or was last asked for again.
        bytes: all finished builds together; the oldest go first.
        upload_seconds: an upload that does not grow.
    """

    seconds: float = 7 * 86400.0
    bytes: int = 50 << 30
    upload_seconds: float = 3600.0


@dataclass(frozen=True, slots=True)
class _Finished:
    folder: BuildFolder
    at: float
    size: int


def sweep(place: Place, ledger: Ledger, keep: Keep) -> list[str]:
    """Remove what need not be kept: of finished builds the old, those for which there is no room, and the cancelled.

    Returns:
        The ids of removed builds.

    Raises:
        Exception: what the database raises.
    """
    _sweep_uploads(place, keep)
    for left in place.removed.iterdir():
        shutil.rmtree(left, ignore_errors=True)
    sweep_absent(place.workers)
    removed = [build.folder.id for build in _too_many(_finished(place), keep) if _remove(place, build.folder)]
    if removed:
        log.info("old builds were removed", ids=removed)
    # Also those that were struck nowhere because somebody died in between. Read before the folders are: what is
    # booked has its folder already.
    known = ledger.all_ids()
    there = {folder.id for folder in place.all_builds()}
    ledger.strike(id for id in known if id not in there)
    return removed


def _finished(place: Place) -> list[_Finished]:
    found = []
    for folder in place.all_builds():
        try:
            at = (folder.path / "outcome.json").stat().st_mtime
            if folder.is_cancelled:  # whoever asked for that died, or did not wait for its end
                at = 0.0
        except FileNotFoundError:
            continue
        found.append(_Finished(folder, at, size_of(folder.path)))
    return sorted(found, key=lambda build: build.at)


def _too_many(finished: list[_Finished], keep: Keep) -> list[_Finished]:
    """Those to be removed, of all from the oldest to the newest."""
    size = sum(build.size for build in finished)
    oldest = time.time() - keep.seconds
    going = []
    for build in finished:
        if build.at < oldest or size > keep.bytes:
            going.append(build)
            size -= build.size
    return going


def _remove(place: Place, folder: BuildFolder) -> bool:
    with held(folder.lock) as is_mine:
        # Another may have removed it meanwhile, and a third have sent it again.
        removed = is_mine and (folder.path / "outcome.json").exists()
        if removed:
            place.discard(folder.path)
        return removed


def _sweep_uploads(place: Place, keep: Keep) -> None:
    oldest = time.time() - keep.upload_seconds
    for upload in list(place.uploads.iterdir()):
        if _changed(upload) < oldest:
            place.discard(upload)
    for folder in place.all_builds():
        # Somebody died between the outcome and tidying up.
        if folder.uploads.exists() and (folder.path / "outcome.json").exists():
            with held(folder.lock) as is_mine:
                if is_mine:
                    tidy(folder)


def _changed(folder: Path) -> float:
    """When anything in it was last changed."""
    latest = 0.0
    for path in (folder, *folder.rglob("*")):
        try:
            latest = max(latest, os.lstat(path).st_mtime)
        except FileNotFoundError:
            continue
    return latest
