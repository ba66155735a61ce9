"""What is old goes, what is not finished stays."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from heatsvc.jobs.builds import Builds
from heatsvc.jobs.lock import held
from heatsvc.jobs.place import Place
from heatsvc.jobs.sweep import Keep, sweep
from tests.jobs.places import finish, send


class FakeLedger:
    """Knows some builds, and is told which to forget."""

    def __init__(self, *known: str):
        self.known = list(known)
        self.struck: list[str] = []

    def all_ids(self) -> list[str]:
        return self.known

    def strike(self, ids: Iterable[str]) -> None:
        self.struck += ids


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path / "data")
    place.make()
    return place


@pytest.fixture
def builds(place: Place) -> Builds:
    return Builds(place.path)


def swept(place: Place, keep: Keep, *known: str) -> tuple[list[str], list[str]]:
    ledger: Any = FakeLedger(*known)
    return sweep(place, ledger, keep), ledger.struck


def aged(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_old_builds_go_and_the_ledger_forgets_them(place: Place, builds: Builds):
    old, new = send(builds, b"old").id, send(builds, b"new").id
    for id, age in ((old, 100), (new, 10)):
        finish(builds, id)
        aged(builds.folder(id).path / "outcome.json", age)
    assert swept(place, Keep(seconds=50), old, new) == ([old], [old])
    assert [state.id for state in builds.list()] == [new]


def test_a_build_that_is_asked_for_again_is_not_old(place: Place, builds: Builds):
    id = send(builds).id
    finish(builds, id)
    aged(builds.folder(id).path / "outcome.json", 100)
    send(builds)
    assert swept(place, Keep(seconds=50), id) == ([], [])


def test_unfinished_builds_stay_however_old_and_large(place: Place, builds: Builds):
    id = send(builds).id
    for path in (*builds.folder(id).path.rglob("*"), builds.folder(id).path):
        aged(path, 1e6)
    assert swept(place, Keep(seconds=1, bytes=0), id) == ([], [])
    assert builds.folder(id).request().inputs.keypoints[0].path.exists()


def test_the_oldest_go_first_until_the_rest_fits(place: Place, builds: Builds):
    ids = [send(builds, b"%d" % number).id for number in range(4)]
    for number, id in enumerate(ids):
        finish(builds, id, size=1 << 20)
        aged(builds.folder(id).path / "outcome.json", 100 - number)
    removed, _ = swept(place, Keep(bytes=int(2.5 * (1 << 20))))
    assert removed == ids[:2]


def test_a_build_that_somebody_holds_stays(place: Place, builds: Builds):
    id = send(builds).id
    finish(builds, id)
    with held(builds.folder(id).lock):
        assert swept(place, Keep(bytes=0))[0] == []
    assert swept(place, Keep(bytes=0))[0] == [id]


def test_uploads_that_do_not_grow_go(place: Place, builds: Builds):
    given_up, growing = builds.new_upload(), builds.new_upload()
    for upload in (given_up, growing):
        (upload / "sub").mkdir()
        (upload / "sub" / "file").touch()
        for path in (upload / "sub" / "file", upload / "sub", upload):
            aged(path, 100)
    (growing / "sub" / "file").write_bytes(b"more")
    swept(place, Keep(upload_seconds=50))
    assert not given_up.exists()
    assert growing.exists()


def test_what_others_left_half_removed_goes(place: Place, builds: Builds):
    (place.removed / "x").mkdir()
    (place.removed / "x" / "file").touch()
    id = send(builds).id
    finish(builds, id)
    assert swept(place, Keep(), id, "f" * 32) == ([], ["f" * 32])
    assert list(place.removed.iterdir()) == []
    assert not builds.folder(id).uploads.exists()
    assert (builds.folder(id).artifacts / "report.json").exists()


def test_a_cancelled_build_goes_that_was_done_before_it_could_be_ended(place: Place, builds: Builds):
    sent = send(builds)
    finish(builds, sent.id)
    builds.folder(sent.id).cancel()
    assert swept(place, Keep(), sent.id) == ([sent.id], [sent.id])
    assert builds.get(sent.id) is None
