"""No build is forgotten, whatever the ledger says, and none is taken from who works on it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from heatsvc.jobs import rounds as rounds_module
from heatsvc.jobs.builds import Builds
from heatsvc.jobs.ledger import Entry
from heatsvc.jobs.lock import held
from heatsvc.jobs.place import Place
from heatsvc.jobs.presence import present
from heatsvc.jobs.rounds import Rounds
from tests.jobs.places import finish, send


class FakeLedger:
    """Has some entries, and notes what is booked again and struck."""

    def __init__(self, **entries: Entry):
        self.known = entries
        self.again: list[str] = []
        self.struck: list[str] = []

    def entries(self, ids: Iterable[str]) -> dict[str, Entry]:
        return {id: self.known[id] for id in ids if id in self.known}

    def book_again(self, id: str, entry: Entry | None) -> None:
        self.again.append(id)

    def strike(self, ids: Iterable[str]) -> None:
        self.struck += ids


@pytest.fixture
def builds(tmp_path: Path) -> Builds:
    return Builds(tmp_path / "data")


@pytest.fixture
def place(builds: Builds, tmp_path: Path) -> Place:
    place = Place(tmp_path / "data")
    place.make()
    return place


def gone_round(place: Place, **entries: Entry) -> tuple[list[str], list[str]]:
    ledger: Any = FakeLedger(**entries)
    Rounds(place, ledger).go()
    return ledger.again, ledger.struck


def test_what_is_not_booked_is_booked(place: Place, builds: Builds):
    id = send(builds).id
    assert gone_round(place) == ([id], [])


@pytest.mark.parametrize("status", ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED", "PENDING"])
def test_what_nobody_works_on_is_booked_again(place: Place, builds: Builds, status: str):
    id = send(builds).id
    assert gone_round(place, **{id: Entry(status, "dead")}) == ([id], [])


def test_what_waits_its_turn_is_left_alone(place: Place, builds: Builds):
    id = send(builds).id
    assert gone_round(place, **{id: Entry("ENQUEUED", None)}) == ([], [])


def test_what_is_done_is_left_alone(place: Place, builds: Builds):
    finish(builds, send(builds).id)
    assert gone_round(place) == ([], [])


def test_what_somebody_works_on_is_left_alone(place: Place, builds: Builds):
    id = send(builds).id
    with held(builds.folder(id).lock):
        assert gone_round(place, **{id: Entry("PENDING", "dead")}) == ([], [])


def test_a_living_worker_is_given_time_to_begin(place: Place, builds: Builds, monkeypatch: pytest.MonkeyPatch):
    id = send(builds).id
    ledger: Any = FakeLedger(**{id: Entry("PENDING", "alive")})
    rounds = Rounds(place, ledger)
    with present(place.workers, "alive"):
        rounds.go()
        rounds.go()
        assert ledger.again == []
        monkeypatch.setattr(rounds_module, "_IDLE_SECONDS", 0.05)
        time.sleep(0.1)
        rounds.go()
    assert ledger.again == [id]


def test_what_was_cancelled_by_somebody_who_died_is_removed(
    place: Place, builds: Builds, monkeypatch: pytest.MonkeyPatch
):
    id = send(builds).id
    builds.folder(id).cancel()
    assert gone_round(place) == ([], [])
    assert builds.folder(id).exists()
    monkeypatch.setattr(rounds_module, "_REMOVE_SECONDS", 0.0)
    assert gone_round(place) == ([], [id])
    assert not builds.folder(id).path.exists()
