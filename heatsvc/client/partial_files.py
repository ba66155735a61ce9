"""Files of downloads that are not complete."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from heatsvc.client.errors import InvalidResponseError


def partial_path(target: Path, etag: str) -> Path:
    """The file beside its target that a download is written to until it is complete. Each ETag has its own."""
    # Of the name only its beginning: with all of it this one may be too long.
    digest = hashlib.sha256(os.fsencode(target.name) + b"\n" + etag.encode()).hexdigest()
    return target.with_name(f".{target.name[:40]}.{digest[:12]}.part")


def finish_download(partial: Path, target: Path, sha256: str | None) -> None:
    """Check a complete download, and move it to its target.

    Raises:
        InvalidResponseError: its SHA-256 is another one; it is deleted.
        OSError: the target cannot be written.
    """
    with partial.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest() if sha256 is not None else None
        os.fsync(file.fileno())
    if digest != sha256:
        partial.unlink()
        raise InvalidResponseError(f"{target.name} was damaged on its way: its SHA-256 is not the service's")
    os.replace(partial, target)
