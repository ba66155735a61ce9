"""BuildFolder: where a build lies on disk. What it tells is the truth about a build; the database only says who works.

<data folder>/builds/<id>/
  request.json    what is to be built; written before anything else can see the folder
  uploads/        the files that were sent
  artifacts/      what build() writes, with its parts in artifacts/work
  progress.json   how far it is
  attempts.json   how often it was begun
  lock            held by whoever works on it
  cancelled       there once somebody asked that it end
  report.json     the report
  outcome.json    how it ended; written last, and nothing is shown to anybody before it is there
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from heatsvc.annotation.artifacts import write_atomically
from heatsvc.annotation.progress import Progress
from heatsvc.jobs.outcome import Outcome
from heatsvc.jobs.request import BuildRequest

_ID = re.compile(r"[0-9a-f]{32}")


def is_build_id(text: str) -> bool:
    """Whether it may be a build's id: 32 hexadecimal digits, in lower case."""
    return _ID.fullmatch(text) is not None


@dataclass(frozen=True)
class BuildFolder:
    """A build's folder, there or not.

    Attributes:
        root: the folder that the builds lie in.
        id: the build's id, 32 hexadecimal digits.
    """

    root: Path
    id: str

    def __post_init__(self) -> None:
        if not is_build_id(self.id):
            raise ValueError(f"{self.id!r:.80} is no id of a build")

    @cached_property
    def path(self) -> Path:
        """The folder itself."""
        return self.root / self.id

    @property
    def uploads(self) -> Path:
        """The folder of the files that were sent."""
        return self.path / "uploads"

    @property
    def artifacts(self) -> Path:
        """The folder that build() writes into."""
        return self.path / "artifacts"

    @property
    def lock(self) -> Path:
        """The file that is locked by whoever works on the build."""
        return self.path / "lock"

    def exists(self) -> bool:
        """Whether there is such a build."""
        return (self.path / "request.json").exists()

    def request(self, datasets: Path | None = None) -> BuildRequest:
        """What is to be built.

        Args:
            datasets: HEATSVC_DATASETS_DIR.

        Raises:
            AnnotationError: its dataset is no longer mounted.
            OSError: there is no such build.
        """
        return BuildRequest.from_json(orjson.loads((self.path / "request.json").read_bytes()), self.uploads, datasets)

    def created(self) -> float:
        """When the build was sent, in seconds since 1970.

        Raises:
            OSError: there is no such build.
        """
        return float(orjson.loads((self.path / "request.json").read_bytes())["created"])

    def progress(self) -> Progress:
        """How far the build is; `waiting` until somebody works on it, and after a power cut that emptied the file."""
        try:
            document = _read(self.path / "progress.json")
            return Progress(**document) if document else Progress("waiting")
        except (ValueError, TypeError):
            return Progress("waiting")

    def write_progress(self, progress: Progress) -> None:
        """Tell how far the build is.

        Raises:
            OSError: the folder is gone, or the disk full.
        """
        # Seen whole or not at all, but not synced: after a power cut nobody misses it.
        aside = self.path / ".progress.json.part"
        aside.write_bytes(orjson.dumps(progress.as_json()))
        aside.replace(self.path / "progress.json")

    def outcome(self, *, report: bool = True) -> Outcome | None:
        """How the build ended; None until it has.

        Args:
            report: whether the report is wanted; it may be large.
        """
        document = _read(self.path / "outcome.json")
        if document is None:
            return None
        return Outcome.from_json(document, _read(self.path / "report.json") if report else None)

    def write_outcome(self, outcome: Outcome) -> None:
        """Tell how the build ended: from here on its artifacts are there for others.

        Raises:
            OSError: the folder is gone, or the disk full.
        """
        if outcome.report is not None:
            write_json(self.path / "report.json", outcome.report)
        write_json(self.path / "outcome.json", outcome.as_json())

    def artifact(self, name: str) -> Path | None:
        """Where a finished artifact lies; None where the build has none of that name, or is not finished."""
        outcome = self.outcome(report=False)
        if outcome is None or all(artifact.name != name for artifact in outcome.artifacts):
            return None
        return self.artifacts / name

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody asked that it end."""
        return (self.path / "cancelled").exists()

    def cancel(self) -> None:
        """Ask that it end."""
        (self.path / "cancelled").touch()


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document, there whole or not at all, also after a power cut.

    Raises:
        OSError: the disk is full, or cannot be written.
    """
    write_atomically(path, [orjson.dumps(document, default=str)])


def _read(path: Path) -> dict[str, Any] | None:
    try:
        document: dict[str, Any] = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    return document


def size_of(folder: Path) -> int:
    """Bytes that a folder takes on disk, as far as it can be read while others change it."""
    size = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                size += os.lstat(os.path.join(parent, name)).st_blocks * 512
            except FileNotFoundError:
                continue
    return size
