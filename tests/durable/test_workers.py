"""What workers do with builds: each once, whoever dies, and none for ever."""

from __future__ import annotations

import signal
import sqlite3
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from heatsvc.annotation.progress import Progress
from tests.durable.place import Site, check_whole, site, until


def test_a_build_is_done(shared: Site):
    shared.start_worker()
    sent = shared.submit("steps=3")
    assert sent.state == "queued"
    assert sent.progress == Progress("waiting")
    done = shared.wait(sent.id)
    assert done.state == "done"
    assert done.outcome is not None
    assert done.outcome.report == {"steps": 3}
    assert [artifact.name for artifact in done.outcome.artifacts] == ["annotations.pkl", "report.json"]
    check_whole(done, shared.builds)
    # Uploads and parts are of no more use.
    assert not shared.builds.folder(sent.id).uploads.exists()
    assert not (shared.builds.folder(sent.id).artifacts / "work").exists()


def test_two_workers_and_two_clients_build_each_thing_once(shared: Site):
    workers = [shared.start_worker(), shared.start_worker()]
    clients = [shared.builds, shared.client()]
    whats = [f"steps=4,seconds=0.02,n={number}" for number in range(8)]
    with ThreadPoolExecutor(16) as pool:
        sent = list(
            pool.map(lambda job: shared.submit(job[0], client=job[1]), [(w, c) for w in whats for c in clients])
        )
    ids = {state.id for state in sent}
    assert len(ids) == len(whats)
    for id in ids:
        check_whole(shared.wait(id, "done"), shared.builds)
    assert Counter(shared.noted("ended")) == dict.fromkeys(ids, 1)
    assert Counter(shared.noted("begun")) == dict.fromkeys(ids, 1)
    assert all(worker.poll() is None for worker in workers)
    clients[1].stop()


def test_both_workers_work(shared: Site):
    shared.start_worker()
    shared.start_worker()
    first, second = shared.submit("steps=40,seconds=0.1", b"1"), shared.submit("steps=40,seconds=0.1", b"2")
    until(lambda: {shared.state(first.id), shared.state(second.id)} == {"running"}, "both to run")


def test_a_dead_workers_build_is_taken_over(shared: Site):
    doomed = shared.start_worker()
    sent = shared.submit("steps=60,seconds=0.05")
    shared.wait(sent.id, "running")
    shared.start_worker()
    until(lambda: len(list((shared.path / "workers").iterdir())) == 2, "the other worker")
    shared.kill(doomed)
    killed = time.monotonic()
    until(lambda: len(shared.noted("begun")) == 2, "the other worker to take over")
    assert time.monotonic() - killed < 10
    check_whole(shared.wait(sent.id, "done"), shared.builds)


def test_a_restart_goes_on_from_the_parts_there(local: Site):
    worker = local.start_worker()
    sent = local.submit("steps=20,seconds=0.1")
    work = local.builds.folder(sent.id).artifacts / "work"
    until(lambda: (work / "9").exists(), "half of it")
    made = (work / "9").stat().st_mtime_ns
    local.kill(worker)
    local.start_worker()
    until(lambda: (work / "12").exists(), "more of it")
    assert (work / "9").stat().st_mtime_ns == made
    local.wait(sent.id, "done")


def test_a_build_that_nobody_booked_is_done(local: Site):
    """The client died between placing it and booking it, or the database did not answer."""
    sent = local.submit("steps=1")
    assert not (local.path / "builds.sqlite").exists()
    local.start_worker()
    local.wait(sent.id, "done")


def test_a_worker_that_is_told_to_stop_leaves_its_build_to_the_next(local: Site):
    worker = local.start_worker()
    sent = local.submit("steps=40,seconds=0.1")
    local.wait(sent.id, "running")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=20) == 0
    assert local.state(sent.id) == "running"
    local.start_worker()
    local.wait(sent.id, "done")


def test_a_running_build_is_cancelled_and_gone(shared: Site):
    shared.start_worker()
    sent = shared.submit("steps=1000,seconds=0.1")
    shared.wait(sent.id, "running")
    began = time.monotonic()
    assert shared.builds.remove(sent.id)
    assert time.monotonic() - began < 3
    assert shared.builds.get(sent.id) is None
    assert not shared.builds.folder(sent.id).path.exists()
    # The worker is free again, and the same may be sent again.
    again = shared.submit("steps=1000,seconds=0.1")
    assert again.state == "queued"
    shared.wait(again.id, "running")


def test_a_queued_build_is_cancelled_before_it_begins(shared: Site):
    shared.start_worker()
    running, queued = shared.submit("steps=1000,seconds=0.1", b"1"), shared.submit("steps=1", b"2")
    shared.wait(running.id, "running")
    assert shared.builds.remove(queued.id)
    assert shared.builds.remove(running.id)
    last = shared.submit("steps=1", b"3")
    shared.wait(last.id, "done")
    assert queued.id not in shared.noted("begun")
    assert [state.id for state in shared.builds.list()] == [last.id]


def test_an_input_that_cannot_be_used_fails_once_and_stays_failed(local: Site):
    local.start_worker()
    sent = local.submit("fail=input")
    failed = local.wait(sent.id, "failed")
    assert failed.outcome is not None
    assert failed.outcome.problem == {
        "kind": "input",
        "detail": "cannot be used",
        "field": "labels",
        "file": "a.csv",
        "frame": 3,
    }
    assert local.submit("fail=input").state == "failed"
    assert local.noted("begun") == [sent.id]


def test_a_build_that_failed_through_a_bug_is_built_anew_when_it_is_sent_again(local: Site):
    local.start_worker()
    sent = local.submit("fail=bug")
    failed = local.wait(sent.id, "failed")
    assert failed.outcome is not None
    assert failed.outcome.problem is not None
    assert failed.outcome.problem["kind"] == "internal"
    assert "a bug" not in failed.outcome.problem["detail"]
    assert local.submit("fail=bug").state == "queued"
    until(lambda: local.noted("begun") == [sent.id] * 2, "the second time")


def test_a_build_that_kills_its_worker_fails_in_the_end(tmp_path: Path):
    with site(tmp_path / "data", attempts=3) as local:
        sent = local.submit("steps=5,crash=3")
        # The first came further than none before, and three more came no further.
        for _ in range(4):
            worker = local.start_worker()
            assert worker.wait(timeout=60) == -signal.SIGKILL
        local.start_worker()
        failed = local.wait(sent.id, "failed")
        assert failed.outcome is not None
        assert failed.outcome.problem is not None
        assert failed.outcome.problem["kind"] == "internal"
        assert local.noted("begun") == [sent.id] * 4


@pytest.mark.parametrize("kept", [0, 100])  # with the file's header, connections see no change and trust what they read
def test_a_worker_outlives_a_database_that_goes_away_for_a_while(local: Site, kept: int):
    worker = local.start_worker()
    local.wait(local.submit("steps=1").id, "done")
    database = local.path / "builds.sqlite"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("BEGIN IMMEDIATE")  # nobody is writing: a whole copy is taken
        content = database.read_bytes()
    database.write_bytes(content[:kept] + b"not a database" * 1000)
    time.sleep(3)
    database.write_bytes(content)
    assert worker.poll() is None
    local.wait(local.submit("steps=1", b"later").id, "done")


def test_watchers_see_progress_grow(local: Site):
    local.start_worker()
    sent = local.submit("steps=30,seconds=0.05")
    seen: set[int] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            state = local.builds.get(sent.id)
            assert state is not None
            seen.add(state.progress.files_read)
            time.sleep(0.02)

    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(watch)
        local.wait(sent.id, "done")
        done.set()
        watching.result()
    assert len(seen) > 3
