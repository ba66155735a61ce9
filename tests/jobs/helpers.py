"""Builds in a data directory without workers."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

from heatsvc.annotation.artifacts import write_atomically
from heatsvc.annotation.inputs import InputFile, Inputs
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.jobs.builds import Builds
from heatsvc.jobs.request import BuildRequest
from heatsvc.jobs.state import BuildState, StoredResult

PROBLEMS = {"input": {"kind": "input", "detail": "x", "field": None, "file": None, "frame": None}}
PROBLEMS["dataset"] = PROBLEMS["input"] | {"field": "dataset"}
PROBLEMS |= {kind: {"kind": kind, "detail": "x"} for kind in ("internal", "full")}


def submit(builds: Builds, content: bytes = b"keypoints") -> BuildState:
    """Submit one file."""
    upload = builds.directory.new_upload()
    (upload / "0").write_bytes(content)
    request = BuildRequest(
        Inputs(keypoints=(InputFile("a.npy", upload / "0"),)), AnnotationOptions(), False, time.time()
    )
    return builds.submit(upload, request, id_of(content))


def id_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def finish(builds: Builds, id: str, state: str = "done", problem: str | None = None, padding: int = 0) -> None:
    """Do what a worker does."""
    folder = builds.folder(id)
    attempt = folder.begin_attempt()
    made = write_atomically(attempt / "report.json", [b'{"clips": 1}' + b" " * padding])
    described = PROBLEMS[problem] if problem else None
    folder.publish(StoredResult(state, (made,), None, described, time.time()), attempt)  # type: ignore[arg-type]


def uploads(path: Path) -> list[Path]:
    return list((path / "uploads").iterdir())


def set_age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))
