"""A worker whose build is a fake: slow enough to be killed in the middle, resumable as the real one is.

Run as `python -m tests.durable.fake_build`. What a build does is in its options' `columns.name`:

    steps=20,seconds=0.05    so many parts, so long each (as build() does, parts that are there are not made again)
    crash=3                  kills its own process when it comes to the third part
    fail=input | fail=bug    raises
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from heatsvc.annotation.artifacts import PICKLE, REPORT, Artifact, write_atomically
from heatsvc.annotation.build import BuildResult
from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.inputs import Inputs
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.progress import Progress
from heatsvc.cancel import CancelToken
from heatsvc.jobs.worker import Worker
from heatsvc.logs import configure_logs
from heatsvc.settings import Settings

BUILT = "built.log"
"""Beside the folder of builds: a line for each build that was begun, and for each that came to its end."""


def build(
    inputs: Inputs,
    options: AnnotationOptions,
    folder: Path,
    *,
    progress: Callable[[Progress], None],
    token: CancelToken,
    work: Path | None = None,
    **_: Any,
) -> BuildResult:
    """Parts, each a hash of the input and its number, one after the other."""
    orders = dict(word.split("=") for word in (options.columns.name or "steps=5").split(","))
    steps, seconds = int(orders.get("steps", 5)), float(orders.get("seconds", 0))
    _note(folder, "begun")
    if orders.get("fail") == "input":
        raise AnnotationError("cannot be used", field="labels", file="a.csv", frame=3)
    if orders.get("fail") == "bug":
        raise RuntimeError("a bug")
    work = work or folder / "work"
    work.mkdir(exist_ok=True)
    for number in range(steps):
        token.raise_if_cancelled()
        progress(Progress("keypoints", number, steps))
        part = shard_path(work, number)
        if not part.exists():
            if orders.get("crash") == str(number):
                os.kill(os.getpid(), signal.SIGKILL)
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                token.raise_if_cancelled()
                time.sleep(min(0.02, seconds))
            write_atomically(part, [hashlib.sha512(b"%d" % number + inputs.keypoints[0].path.read_bytes()).digest()])
    progress(Progress("writing", steps, steps))
    artifacts = write_artifacts(folder, steps, (shard_path(work, number) for number in range(steps)), seconds)
    _note(folder, "ended")
    return BuildResult(artifacts, {"steps": steps})


def shard_path(work: Path, number: int) -> Path:
    """The file of a finished shard; `count_finished_shards` of the real build counts it."""
    return work / f"{number:06d}.part"


def write_artifacts(folder: Path, steps: int, parts: Any, seconds: float) -> tuple[Artifact, ...]:
    def slowly() -> Any:
        for part in parts:
            time.sleep(seconds / 10)
            yield part.read_bytes()

    return write_atomically(folder / PICKLE, slowly()), write_atomically(folder / REPORT, [b'{"steps": %d}' % steps])


def _note(folder: Path, word: str) -> None:
    with (folder.parents[2] / BUILT).open("a") as file:
        file.write(f"{folder.parent.name} {word} {os.getpid()}\n")


if __name__ == "__main__":
    configure_logs("info")
    Worker(Settings(), build).serve(with_parent="--with-parent" in sys.argv)
