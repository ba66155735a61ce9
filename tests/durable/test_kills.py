"""kill -9 at random moments: nothing is lost, and nothing half-written is ever seen.

HEATSVC_TEST_KILL_ROUNDS is how often; `make kill-rounds` sets 100.
"""

from __future__ import annotations

import os
import random
import shutil
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from heatsvc.annotation.build import BuildResult, build
from heatsvc.annotation.inputs import InputFile, Inputs
from heatsvc.annotation.options import AnnotationOptions, Columns
from heatsvc.cancel import NEVER_CANCELLED
from heatsvc.jobs.builds import Builds
from heatsvc.jobs.folder import is_locked
from tests.durable import fake_build
from tests.durable.clips import write_upload
from tests.durable.site import FAKE_WORKER, WORKER, Site, check_artifacts, until

ROUNDS = int(os.environ.get("HEATSVC_TEST_KILL_ROUNDS", "4"))
_LONGEST_LIFE = 3.0


class Watcher(threading.Thread):
    """Looks at every build all the time, as clients do; `wrong` is what it saw that must not be."""

    def __init__(self, builds: Builds):
        super().__init__(daemon=True)
        self.builds = builds
        self.looks: Counter[str] = Counter()
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
        # The result first: what is visible now was complete before.
        is_finished = self.builds.folder(id).result(report=False) is not None
        state = self.builds.get(id)
        assert state is not None, "a build is lost"
        # It is the first looks that could see something half-written.
        if is_finished and self.looks[id] < 20:
            check_artifacts(state, self.builds)
            self.looks[id] += 1


class FakeEncoder:
    """Builds of two seconds, in forty parts."""

    command = FAKE_WORKER

    def send(self, site: Site, number: int) -> str:
        return site.submit("steps=40,seconds=0.04", b"%d" % number).id

    def undisturbed(self, number: int, folder: Path) -> BuildResult:
        (folder / "0").write_bytes(b"%d" % number)
        inputs = Inputs(keypoints=(InputFile("a.npy", folder / "0"),))
        options = AnnotationOptions(columns=Columns(name="steps=40"))
        return fake_build.build(inputs, options, folder, progress=lambda _: None, token=NEVER_CANCELLED)


class Real:
    """Builds of 5,000 clips, in twenty parts, by two processes."""

    command = WORKER

    def send(self, site: Site, number: int) -> str:
        upload = site.builds.directory.new_upload()
        request = write_upload(upload, 5000, seed=number)
        return site.builds.submit(upload, request, f"{number:032x}").id

    def undisturbed(self, number: int, folder: Path) -> BuildResult:
        request = write_upload(folder, 5000, seed=number)
        return build(request.inputs, request.options, folder)


def is_under_way(site: Site) -> bool:
    return any(is_locked(site.builds.folder(state.id).lock) for state in site.builds.list() if state.result is None)


def is_unfinished(site: Site) -> bool:
    return any(state.result is None for state in site.builds.list())


@pytest.mark.parametrize(
    "kind", [FakeEncoder(), pytest.param(Real(), marks=pytest.mark.slow)], ids=lambda kind: type(kind).__name__
)
def test_kills_at_any_moment_lose_nothing(site: Site, tmp_path: Path, kind: FakeEncoder | Real):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")  # pytest shows it where the test fails
    moments = random.Random(seed)
    watcher = Watcher(site.service())
    watcher.start()
    numbers: dict[str, int] = {}
    hit = 0
    for number in range(ROUNDS + 50):  # some more where no kill has hit a build
        if number >= ROUNDS and hit:
            break
        worker = site.start_worker(kind.command)
        id = kind.send(site, number // 2)  # each is sent twice, before and after a kill
        numbers[id] = number // 2
        if moments.random() < 0.75:  # during a build, however slowly workers start here
            until(lambda: is_under_way(site) or not is_unfinished(site), "a build to begin")
            time.sleep(moments.uniform(0, 1.5))
        else:
            time.sleep(moments.uniform(0, _LONGEST_LIFE))
        hit += is_under_way(site)
        site.kill(worker)
    assert hit
    print(f"{hit} of {number} kills met a build that was under way")
    site.start_worker(kind.command)
    for id, number in numbers.items():
        state = site.wait(id, "done", seconds=300)
        alone = tmp_path / f"alone-{id}" / "builds" / id / "artifacts"
        alone.mkdir(parents=True)
        expected = kind.undisturbed(number, alone)
        assert state.result is not None
        assert [made.name for made in state.result.artifacts] == [made.name for made in expected.artifacts]
        pickle = site.builds.folder(id).artifacts / "annotations.pkl"
        assert pickle.read_bytes() == (alone / "annotations.pkl").read_bytes()
        check_artifacts(state, site.builds)
        shutil.rmtree(alone)
    until(lambda: watcher.wrong or watcher.looks.keys() == numbers.keys(), "the watcher to have seen all")
    watcher.done.set()
    watcher.join()
    assert not watcher.wrong
    assert not list((site.path / "uploads").iterdir())
