"""A data directory with services and workers, each worker a process of its own."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from heatsvc.annotation.inputs import InputFile, Inputs
from heatsvc.annotation.options import AnnotationOptions, Columns
from heatsvc.jobs.builds import Builds
from heatsvc.jobs.request import BuildRequest
from heatsvc.jobs.state import BuildState
from heatsvc.settings import Settings
from tests.durable.fake_build import BUILT
from tests.serving import ROOT

FAKE_WORKER = (sys.executable, "-m", "tests.durable.fake_build")
WORKER = (sys.executable, "-m", "heatsvc", "worker")
_TIMEOUT = 60.0


@dataclass
class Site:
    """A data directory.

    Attributes:
        path: the data directory.
        attempts: HEATSVC_BUILD_ATTEMPTS of its workers; many, for tests kill workers before they finish a shard.
        builds: a service's view of it.
        running: the workers.
    """

    path: Path
    attempts: int = 20
    builds: Builds = field(init=False)
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.builds = self.service()

    def service(self) -> Builds:
        """Builds as one more service process sees them."""
        return Builds(Settings(data_dir=self.path, build_workers=0))

    @property
    def environment(self) -> dict[str, str]:
        return {
            "HEATSVC_DATA_DIR": str(self.path),
            "HEATSVC_BUILD_ATTEMPTS": str(self.attempts),
            "PYTHONPATH": str(ROOT),
        }

    def start_worker(self, command: Sequence[str] = FAKE_WORKER) -> subprocess.Popen[bytes]:
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

    def submit(self, what: str, content: bytes = b"keypoints", *, builds: Builds | None = None) -> BuildState:
        """Submit a build to the fake, which does `what`."""
        builds = builds or self.builds
        upload = builds.directory.new_upload()
        (upload / "0").write_bytes(content)
        inputs = Inputs(keypoints=(InputFile("a.npy", upload / "0"),))
        request = BuildRequest(inputs, AnnotationOptions(columns=Columns(name=what)), False, time.time())
        return builds.submit(upload, request, content_id(what, content))

    def state(self, id: str) -> str | None:
        state = self.builds.get(id)
        return state and state.state

    def wait(self, id: str, *states: str, seconds: float = _TIMEOUT) -> BuildState:
        """Wait until a build is in one of these states; finished, if none are given."""
        wanted = states or ("done", "failed", "cancelled")
        until(lambda: self.state(id) in wanted, f"{id} to be {wanted}", seconds)
        state = self.builds.get(id)
        assert state is not None
        return state

    def noted(self, word: str) -> list[str]:
        """Ids of builds that the fake has `begun` or `ended`, each as often as it has."""
        try:
            lines = (self.path / BUILT).read_text().splitlines()
        except FileNotFoundError:
            return []
        return [line.split()[0] for line in lines if line.split()[1] == word]


def content_id(what: str, content: bytes) -> str:
    return hashlib.sha256(what.encode() + b"\0" + content).hexdigest()[:32]


def until(condition: Callable[[], object], what: str, seconds: float = _TIMEOUT) -> None:
    """Wait for a condition."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, f"waited {seconds:g} s in vain for {what}"
        time.sleep(0.02)


def check_artifacts(state: BuildState, builds: Builds) -> None:
    """Each artifact of a finished build exists, with the size and hash that the result names."""
    assert state.result is not None
    for artifact in state.result.artifacts:
        content = (builds.folder(state.id).artifacts / artifact.name).read_bytes()
        assert len(content) == artifact.size
        assert hashlib.sha256(content).hexdigest() == artifact.sha256
