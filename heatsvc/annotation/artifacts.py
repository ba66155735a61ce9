"""Artifacts: the files that a build gives, whole or not at all."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PICKLE = "annotations.pkl"
LABEL_MAP_JSON = "label_map.json"
LABEL_MAP_CSV = "label_map.csv"
REPORT = "report.json"
REPORT_PAGE = "report.html"

MEDIA_TYPES: dict[str, str] = {
    PICKLE: "application/x-pickle",
    LABEL_MAP_JSON: "application/json",
    LABEL_MAP_CSV: "text/csv; charset=utf-8",
    "pyskl_keypoint.py": "text/x-python; charset=utf-8",
    "pyskl_limb.py": "text/x-python; charset=utf-8",
    "mmaction2_keypoint.py": "text/x-python; charset=utf-8",
    "mmaction2_limb.py": "text/x-python; charset=utf-8",
    REPORT: "application/json",
    REPORT_PAGE: "text/html; charset=utf-8",
}
"""Every artifact's name and media type, in the order in which they are listed."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A finished file.

    Attributes:
        name: its file name, one of MEDIA_TYPES.
        media_type: what it is.
        size: in bytes.
        sha256: of its bytes, in hexadecimal; the ETag it is served with.
    """

    name: str
    media_type: str
    size: int
    sha256: str

    def as_json(self) -> dict[str, Any]:
        """The same as JSON has it."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Artifact:
        """What as_json gave."""
        return cls(**document)


def write_whole(path: Path, chunks: Iterable[bytes | bytearray | memoryview]) -> Artifact:
    """Write a file so that it is there whole or not at all, also after a power cut: aside, fsync, rename, fsync.

    Args:
        path: where it is to stand; its folder exists.
        chunks: its bytes.

    Raises:
        OSError: the disk is full, or cannot be written.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    digest, size = hashlib.sha256(), 0
    try:
        with aside.open("wb") as file:
            for chunk in chunks:
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    sync_folder(path.parent)
    return Artifact(path.name, MEDIA_TYPES.get(path.name, "application/octet-stream"), size, digest.hexdigest())


def sync_folder(folder: Path) -> None:
    """Make the names in a folder last, as fsync does a file's bytes."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
