"""Builds in a data folder where nobody works."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

from heatsvc.annotation.artifacts import Artifact
from heatsvc.annotation.inputs import InputFile, Inputs
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.jobs.builds import Builds
from heatsvc.jobs.outcome import Outcome
from heatsvc.jobs.request import BuildRequest
from heatsvc.jobs.state import BuildState

PROBLEMS = {"input": {"kind": "input", "detail": "x", "field": None, "file": None, "frame": None}}
PROBLEMS["internal"] = {"kind": "internal", "detail": "x"}


def send(builds: Builds, content: bytes = b"keypoints") -> BuildState:
    """Submit a file."""
    upload = builds.new_upload()
    (upload / "0").write_bytes(content)
    request = BuildRequest(
        Inputs(keypoints=(InputFile("a.npy", upload / "0"),)), AnnotationOptions(), False, time.time()
    )
    return builds.submit(upload, request, id_of(content))


def id_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def finish(builds: Builds, id: str, state: str = "done", problem: str | None = None, size: int = 2) -> None:
    """What a worker does."""
    folder = builds.folder(id)
    folder.artifacts.mkdir()
    (folder.artifacts / "report.json").write_bytes(b"x" * size)
    made = Artifact("report.json", "application/json", size, "")
    told = PROBLEMS[problem] if problem else None
    folder.write_outcome(Outcome(state, (made,), {"clips": 1}, told, time.time()))  # type: ignore[arg-type]


def uploads(path: Path) -> list[Path]:
    return list((path / "uploads").iterdir())
