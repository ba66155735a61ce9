"""A data folder with clients and workers on it, each worker a process of its own."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from heatsvc.annotation.inputs import InputFile, Inputs
from heatsvc.annotation.options import AnnotationOptions, Columns
from heatsvc.jobs.builds import Builds
from heatsvc.jobs.request import BuildRequest
from heatsvc.jobs.state import BuildState
from tests.durable.standin import BUILT
from tests.serving import ROOT

STANDIN = (sys.executable, "-m", "tests.durable.standin")
WORKER = (sys.executable, "-m", "heatsvc", "worker")
PATIENCE = 60.0


@dataclass
class Site:
    """A data folder, and a database.

    Attributes:
        path: the data folder.
        url: PostgreSQL; None: SQLite.
        builds: a client.
    """

    path: Path
    url: str | None = None
    attempts: int = 20
    builds: Builds = field(init=False)
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.builds = self.client()

    def client(self) -> Builds:
        return Builds(self.path, self.url)

    @property
    def environment(self) -> dict[str, str]:
        given = {"HEATSVC_DATA_DIR": str(self.path), "HEATSVC_BUILD_ATTEMPTS": str(self.attempts)}
        given |= {"PYTHONPATH": str(ROOT)}
        return given | ({"HEATSVC_DATABASE_URL": self.url} if self.url else {})

    def start_worker(self, command: Sequence[str] = STANDIN) -> subprocess.Popen[bytes]:
        with (self.path.parent / "worker.log").open("ab") as log:
            worker = subprocess.Popen(command, env={**os.environ, **self.environment}, stderr=log, stdout=log)
        self.running.append(worker)
        return worker

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        self.running.remove(worker)

    def close(self) -> None:
        self.builds.stop()
        for worker in list(self.running):
            self.kill(worker)

    def submit(self, what: str, content: bytes = b"keypoints", *, client: Builds | None = None) -> BuildState:
        """Have the stand-in do what it is told."""
        builds = client or self.builds
        upload = builds.new_upload()
        (upload / "0").write_bytes(content)
        inputs = Inputs(keypoints=(InputFile("a.npy", upload / "0"),))
        request = BuildRequest(inputs, AnnotationOptions(columns=Columns(name=what)), False, time.time())
        return builds.submit(upload, request, content_id(what, content))

    def state(self, id: str) -> str | None:
        state = self.builds.get(id)
        return state and state.state

    def wait(self, id: str, *states: str, seconds: float = PATIENCE) -> BuildState:
        """Wait until a build is in one of these states; finished, if none are given."""
        wanted = states or ("done", "failed", "cancelled")
        until(lambda: self.state(id) in wanted, f"{id} to be {wanted}", seconds)
        state = self.builds.get(id)
        assert state is not None
        return state

    def noted(self, word: str) -> list[str]:
        """Ids of builds that the stand-in began or ended, as often as it did."""
        try:
            lines = (self.path / BUILT).read_text().splitlines()
        except FileNotFoundError:
            return []
        return [line.split()[0] for line in lines if line.split()[1] == word]


@contextmanager
def site(path: Path, url: str | None = None, attempts: int = 20) -> Iterator[Site]:
    """A data folder; its workers end with the block."""
    site = Site(path, url, attempts)
    try:
        yield site
    finally:
        site.close()


def content_id(what: str, content: bytes) -> str:
    return hashlib.sha256(what.encode() + b"\0" + content).hexdigest()[:32]


def until(told: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Wait for something."""
    ends = time.monotonic() + seconds
    while not told():
        assert time.monotonic() < ends, f"waited {seconds:g} s in vain for {what}"
        time.sleep(0.02)


def check_whole(state: BuildState, builds: Builds) -> None:
    """What is told to be done lies there, whole."""
    assert state.outcome is not None
    for artifact in state.outcome.artifacts:
        path = builds.folder(state.id).artifact(artifact.name)
        assert path is not None
        content = path.read_bytes()
        assert len(content) == artifact.size
        assert hashlib.sha256(content).hexdigest() == artifact.sha256
