"""Datasets: mounted folders by name, and what tells whether one has changed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path, PurePosixPath

from heatsvc.annotation.errors import AnnotationError
from heatsvc.api.problems import RequestError
from heatsvc.errors import LimitError
from heatsvc.jobs.request import dataset_folder
from heatsvc.settings import Settings

_TOLD = 10
# Of a folder with more names than these, the first of them are told as the system gives them.
_LOOKED_AT = 10_000


def mounted(settings: Settings, name: str) -> Path:
    """The folder of a dataset.

    Raises:
        RequestError: 422, there is none of that name, or none at all; the message lists some that there are.
    """
    root = settings.datasets_dir
    try:
        return dataset_folder(root, name)
    except AnnotationError as error:
        there = _neighbours(root, name) if root is not None else ()
        told = f". There are: {', '.join(there)}" if there else ""
        raise RequestError(422, error.detail + told, field="dataset") from None


def _neighbours(root: Path, name: str) -> list[str]:
    """Names of folders where the wanted one was looked for, or as near to it as there is a folder."""
    within = PurePosixPath()
    folder = root
    for part in PurePosixPath(name[:1_000]).parts:
        if part in ("/", "..") or "\0" in part or (folder / part).is_symlink() or not (folder / part).is_dir():
            break
        folder, within = folder / part, within / part
    found = []
    try:
        with os.scandir(folder) as entries:
            for _, entry in zip(range(_LOOKED_AT), entries, strict=False):
                if entry.is_dir() and not entry.name.startswith("."):
                    found.append(str(within / entry.name))  # what cannot be read ends it
    except OSError:
        return []
    return sorted(found)[:_TOLD]


def digest_of(folder: Path, settings: Settings) -> bytes:
    """A hash over names, sizes and times of all files under a folder: of their content, as far as a look tells.

    Raises:
        LimitError: more than `max_dataset_files` of them.
        RequestError: 422, the folder cannot be read.
    """
    digest = hashlib.sha256()
    files = 0
    waiting = [folder]
    try:
        while waiting:
            inside = waiting.pop()
            with os.scandir(inside) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(Path(entry.path))
                    continue
                files += 1
                if files > settings.max_dataset_files:
                    raise LimitError(
                        f"{files:,} files or more in the dataset are too many",
                        setting="HEATSVC_MAX_DATASET_FILES",
                        limit=settings.max_dataset_files,
                        got=files,
                        field="dataset",
                    )
                told = entry.stat(follow_symlinks=False)
                name = os.fsencode(os.path.relpath(entry.path, folder))
                digest.update(b"%d %d %d " % (len(name), told.st_size, told.st_mtime_ns))
                digest.update(name)
    except OSError as error:
        raise RequestError(
            422, f"the dataset cannot be read: {error.strerror}; it may be changing", field="dataset"
        ) from None
    return digest.digest()
