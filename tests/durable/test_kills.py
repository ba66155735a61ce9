"""kill -9 at random moments: nothing is lost, and nothing half-written is ever seen.

HEATSVC_TEST_KILL_ROUNDS tells how often; `make kill-rounds` sets 100.
"""

from __future__ import annotations

import os
import random
import threading
import time
from pathlib import Path

from heatsvc.annotation.builds.builds import Builds
from heatsvc.annotation.inputs import InputFile, Inputs
from heatsvc.annotation.options import AnnotationOptions, Columns
from tests.durable.place import Site, check_whole
from tests.durable.standin import build

ROUNDS = int(os.environ.get("HEATSVC_TEST_KILL_ROUNDS", "6"))
_WHAT = "steps=40,seconds=0.04"
_LONGEST_LIFE = 3.0


class Watcher(threading.Thread):
    """Looks at every build all the time, as clients do; `wrong` is what it saw that must not be."""

    def __init__(self, builds: Builds):
        super().__init__(daemon=True)
        self.builds = builds
        self.looks = 0
        self.wrong: list[str] = []
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.is_set():
            try:
                for state in self.builds.list():
                    self._look(state.id)
            except Exception as error:
                self.wrong.append(repr(error))
            time.sleep(0.005)

    def _look(self, id: str) -> None:
        # The file first: what is shown now was whole before anybody could ask for it.
        pickle = self.builds.folder(id).artifact("annotations.pkl")
        state = self.builds.get(id)
        assert state is not None, "a build is lost"
        if pickle is not None:
            check_whole(state, self.builds)
        self.looks += 1


def test_kills_at_any_moment_lose_nothing(shared: Site, tmp_path: Path):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")  # told where the test fails
    moments = random.Random(seed)
    watcher = Watcher(shared.client())
    watcher.start()
    contents: dict[str, bytes] = {}
    for number in range(ROUNDS):
        worker = shared.start_worker()
        content = b"keypoints %d" % (number // 2)  # each is sent twice, before and after a kill
        contents[shared.submit(_WHAT, content).id] = content
        time.sleep(moments.uniform(0, _LONGEST_LIFE))
        shared.kill(worker)
    shared.start_worker()
    for id, content in contents.items():
        state = shared.wait(id, "done", seconds=120)
        pickle = shared.builds.folder(id).artifact("annotations.pkl")
        assert pickle is not None
        assert pickle.read_bytes() == undisturbed(tmp_path / f"alone-{id}" / "builds" / id, content)
        assert state.outcome is not None
        assert state.outcome.report == {"steps": 40}
    watcher.done.set()
    watcher.join()
    watcher.builds.stop()
    assert not watcher.wrong
    assert watcher.looks > ROUNDS
    assert not list((shared.path / "uploads").iterdir())


def undisturbed(folder: Path, content: bytes) -> bytes:
    """The same build, alone and at once."""
    artifacts = folder / "artifacts"
    artifacts.mkdir(parents=True)
    (folder / "0").write_bytes(content)
    inputs = Inputs(keypoints=(InputFile("a.npy", folder / "0"),))
    options = AnnotationOptions(columns=Columns(name="steps=40"))
    build(inputs, options, artifacts, progress=lambda _: None, keep_going=lambda: None)
    return (artifacts / "annotations.pkl").read_bytes()
