"""Artifacts: the files that a build writes, each atomically."""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

_CHUNK = 1 << 20

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
        media_type: its media type.
        size: size in bytes.
        sha256: SHA-256 in hexadecimal, the ETag in responses; "" if it is not computed.
    """

    name: str
    media_type: str
    size: int
    sha256: str


def write_atomically(path: Path, pieces: Iterable[bytes | Path], *, digest: bool = True) -> Artifact:
    """Write a file atomically, even in a power failure: write a temporary file, fsync, rename, fsync.

    Args:
        path: the file, in an existing folder.
        pieces: its content: bytes, and files whose content is inserted.
        digest: whether to compute sha256.

    Raises:
        OSError: the disk is full, or cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    sha256 = hashlib.sha256()
    try:
        with partial.open("wb") as file:
            for piece in pieces:
                for chunk in _chunks(piece) if isinstance(piece, Path) else (piece,):
                    file.write(chunk)
                    if digest:
                        sha256.update(chunk)
            file.flush()
            size = os.fstat(file.fileno()).st_size
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    sync_folder(path.parent)
    media_type = MEDIA_TYPES.get(path.name, "application/octet-stream")
    return Artifact(path.name, media_type, size, sha256.hexdigest() if digest else "")


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def sync_folder(folder: Path) -> None:
    """Write a folder's entries to disk with fsync."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def label_map_json(classes: Sequence[str]) -> bytes:
    """``{label: index}`` as JSON, from labels by class index; empty labels are left out."""
    document = {label: index for index, label in enumerate(classes) if label}
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def label_map_csv(classes: Sequence[str]) -> bytes:
    """``label,label_index`` as CSV in UTF-8, from the labels as in `label_map_json`."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("label", "label_index"))
    rows.writerows((label, index) for index, label in enumerate(classes) if label)
    return text.getvalue().encode()
