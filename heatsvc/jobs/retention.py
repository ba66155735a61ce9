"""Retention: deletes finished builds and abandoned uploads by age and size."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import structlog

from heatsvc.jobs.data_directory import DataDirectory
from heatsvc.jobs.folder import BuildFolder, acquire_lock, size_of
from heatsvc.settings import Settings

log = structlog.get_logger("heatsvc.builds")


@dataclass(frozen=True, slots=True)
class _Finished:
    folder: BuildFolder
    at: float
    size: int


def delete_expired(directory: DataDirectory, settings: Settings) -> list[str]:
    """Delete old builds, builds over the size limit, cancelled builds, and abandoned uploads.

    Returns:
        The ids of deleted builds.

    Raises:
        OSError: the data directory cannot be used.
    """
    _delete_uploads(directory, settings)
    for left in directory.removed.iterdir():
        shutil.rmtree(left, ignore_errors=True)
    _delete_unused_locks(directory)
    deleted = [
        build.folder.id for build in _expired(_finished(directory), settings) if _delete(directory, build.folder)
    ]
    if deleted:
        log.info("expired builds were deleted", ids=deleted)
    return deleted


def _finished(directory: DataDirectory) -> list[_Finished]:
    found = []
    for folder in directory.all_builds():
        try:
            if folder.result(report=False) is None:
                continue
            # A cancelled build has expired: the process that cancelled it crashed, or did not wait for its end.
            at = 0.0 if folder.is_cancelled else folder.finished_at()
        except FileNotFoundError:
            continue
        found.append(_Finished(folder, at, size_of(folder.path)))
    return sorted(found, key=lambda build: build.at)


def _expired(finished: list[_Finished], settings: Settings) -> list[_Finished]:
    """The builds to delete, of all builds from the oldest to the newest."""
    size = sum(build.size for build in finished)
    oldest = time.time() - settings.builds_keep_seconds
    expired = []
    for build in finished:
        if build.at < oldest or size > settings.builds_keep_bytes:
            expired.append(build)
            size -= build.size
    return expired


def _delete(directory: DataDirectory, folder: BuildFolder) -> bool:
    with acquire_lock(folder.lock) as acquired:
        # Meanwhile another process may have deleted it, and a client may have submitted it again.
        deleted = acquired and folder.result(report=False) is not None
        if deleted:
            directory.discard(folder.path)
        return deleted


def _delete_uploads(directory: DataDirectory, settings: Settings) -> None:
    oldest = time.time() - settings.uploads_keep_seconds
    for upload in list(directory.uploads.iterdir()):
        if _last_change(upload) < oldest:
            directory.discard(upload)
    for folder in directory.all_builds():
        # A worker crashed after it wrote the result but before it deleted the inputs.
        if folder.uploads.exists() and folder.result(report=False) is not None:
            with acquire_lock(folder.lock) as acquired:
                if acquired:
                    folder.remove_inputs()


def _delete_unused_locks(directory: DataDirectory) -> None:
    """Delete lock files of workers that have ended, such as those in deleted containers."""
    for path in list(directory.workers.iterdir()):
        with acquire_lock(path) as acquired:
            if acquired:
                path.unlink(missing_ok=True)


def _last_change(folder: Path) -> float:
    """When anything in a folder last changed, in seconds since 1970."""
    latest = 0.0
    for path in (folder, *folder.rglob("*")):
        try:
            latest = max(latest, os.lstat(path).st_mtime)
        except FileNotFoundError:
            continue
    return latest
