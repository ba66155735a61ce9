"""What worker processes do with builds: each once, whichever worker crashes, and none for ever."""

from __future__ import annotations

import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from heatsvc.annotation.progress import Progress
from heatsvc.jobs.folder import is_locked
from tests.durable.fake_build import shard_path
from tests.durable.site import WORKER, Site, check_artifacts, until


def test_a_build_is_done(site: Site):
    site.start_worker()
    sent = site.submit("steps=3")
    assert sent.state == "queued"
    assert sent.progress == Progress("waiting")
    done = site.wait(sent.id)
    assert done.state == "done"
    assert done.result is not None
    assert done.result.report == {"steps": 3}
    assert [artifact.name for artifact in done.result.artifacts] == ["annotations.pkl", "report.json"]
    check_artifacts(done, site.builds)
    # Inputs and shards are no longer needed.
    folder = site.builds.folder(sent.id)
    until(lambda: not is_locked(folder.lock), "the worker to be done with the folder")
    assert {path.name for path in folder.path.iterdir()} == {
        *("request.json", "state.json", "progress.json", "artifacts", "lock")
    }


def test_two_workers_and_two_services_build_each_submission_once(site: Site):
    workers = [site.start_worker(), site.start_worker()]
    services = [site.builds, site.service()]
    whats = [f"steps=4,seconds=0.02,n={number}" for number in range(8)]
    pairs = [(what, service) for what in whats for service in services]
    with ThreadPoolExecutor(16) as pool:
        sent = list(pool.map(lambda pair: site.submit(pair[0], builds=pair[1]), pairs))
    ids = {state.id for state in sent}
    assert len(ids) == len(whats)
    for id in ids:
        check_artifacts(site.wait(id, "done"), site.builds)
    assert Counter(site.noted("ended")) == dict.fromkeys(ids, 1)
    assert Counter(site.noted("begun")) == dict.fromkeys(ids, 1)
    assert all(worker.poll() is None for worker in workers)


def test_two_workers_build_at_the_same_time(site: Site):
    site.start_worker()
    site.start_worker()
    first, second = site.submit("steps=1000,seconds=0.1", b"1"), site.submit("steps=1000,seconds=0.1", b"2")
    until(lambda: {site.state(first.id), site.state(second.id)} == {"running"}, "both to run")


def test_another_worker_takes_over_the_build_of_a_killed_one(site: Site):
    killed = site.start_worker()
    sent = site.submit("steps=60,seconds=0.05")
    site.wait(sent.id, "running")
    site.start_worker()
    site.kill(killed)
    check_artifacts(site.wait(sent.id, "done"), site.builds)
    assert site.noted("begun") == [sent.id] * 2


def test_a_resumed_build_keeps_the_shards_that_are_finished(site: Site):
    worker = site.start_worker()
    sent = site.submit("steps=20,seconds=0.1")
    shards = site.builds.folder(sent.id).shards
    until(lambda: shard_path(shards, 9).exists(), "half of the build")
    made = shard_path(shards, 9).stat().st_mtime_ns
    site.kill(worker)
    site.start_worker()
    until(lambda: shard_path(shards, 12).exists(), "more of the build")
    assert shard_path(shards, 9).stat().st_mtime_ns == made
    site.wait(sent.id, "done")


def test_a_stopped_worker_leaves_its_build_to_the_next(site: Site):
    site.attempts = 1
    worker = site.start_worker()
    sent = site.submit("steps=1,seconds=600")
    site.wait(sent.id, "running")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=60) == 0
    assert site.state(sent.id) == "running"
    site.start_worker()
    until(lambda: site.noted("begun") == [sent.id] * 2, "the next attempt")
    assert site.state(sent.id) == "running"


def test_a_running_build_is_cancelled_and_removed(site: Site):
    site.start_worker()
    sent = site.submit("steps=1000,seconds=0.1")
    site.wait(sent.id, "running")
    assert site.builds.remove(sent.id)
    assert site.builds.get(sent.id) is None
    assert not site.builds.folder(sent.id).path.exists()
    # The worker is free again, and the same can be submitted again.
    again = site.submit("steps=1000,seconds=0.1")
    assert again.state == "queued"
    site.wait(again.id, "running")


def test_a_queued_build_is_cancelled_before_it_begins(site: Site):
    site.start_worker()
    running, queued = site.submit("steps=1000,seconds=0.1", b"1"), site.submit("steps=1", b"2")
    site.wait(running.id, "running")
    assert site.builds.remove(queued.id)
    assert site.builds.remove(running.id)
    last = site.submit("steps=1", b"3")
    site.wait(last.id, "done")
    assert queued.id not in site.noted("begun")
    assert [state.id for state in site.builds.list()] == [last.id]


def test_a_build_whose_canceller_crashed_is_removed_by_a_worker(site: Site):
    sent = site.submit("steps=1")
    site.builds.folder(sent.id).cancel()
    site.start_worker()
    until(lambda: not site.builds.folder(sent.id).exists(), "the build to be removed")
    assert site.noted("begun") == []


def test_an_input_that_cannot_be_used_fails_once_and_stays_failed(site: Site):
    site.start_worker()
    sent = site.submit("fail=input")
    failed = site.wait(sent.id, "failed")
    assert failed.result is not None
    assert failed.result.problem == {
        "kind": "input",
        "detail": "cannot be used",
        "field": "labels",
        "file": "a.csv",
        "frame": 3,
    }
    assert site.submit("fail=input").state == "failed"
    assert site.noted("begun") == [sent.id]


def test_a_build_that_failed_because_of_a_bug_is_built_again_when_submitted_again(site: Site):
    site.start_worker()
    sent = site.submit("fail=bug")
    failed = site.wait(sent.id, "failed")
    assert failed.result is not None
    assert failed.result.problem is not None
    assert failed.result.problem["kind"] == "internal"
    assert "a bug" not in failed.result.problem["detail"]
    assert site.submit("fail=bug").state == "queued"
    until(lambda: site.noted("begun") == [sent.id] * 2, "the second time")


@pytest.mark.parametrize(("what", "crashes"), [("steps=5,crash=0", 3), ("steps=5,crash=3", 4)])
def test_a_build_fails_after_three_crashes_without_progress(site: Site, what: str, crashes: int):
    """An attempt that finishes a shard before it crashes does not count."""
    site.attempts = 3
    sent = site.submit(what)
    for _ in range(crashes):
        worker = site.start_worker()
        assert worker.wait(timeout=60) == -signal.SIGKILL
    site.start_worker()
    failed = site.wait(sent.id, "failed")
    assert failed.result is not None
    assert failed.result.problem is not None
    assert failed.result.problem["kind"] == "internal"
    assert "crashed 3 times" in failed.result.problem["detail"]
    assert "HEATSVC_BUILD_ATTEMPTS" in failed.result.problem["detail"]
    assert site.noted("begun") == [sent.id] * crashes


def test_a_worker_goes_on_after_its_data_directory_was_deleted(site: Site):
    worker = site.start_worker()
    site.wait(site.submit("steps=1").id, "done")
    running = site.submit("steps=1000,seconds=0.1", b"running")
    site.wait(running.id, "running")
    site.path.rename(site.path.with_name("deleted"))
    assert site.builds.list() == []
    shutil.rmtree(site.path.with_name("deleted"), ignore_errors=True)
    site.wait(site.submit("steps=1", b"later").id, "done")
    assert worker.poll() is None


def test_a_worker_refuses_an_unusable_data_directory_in_one_line(tmp_path: Path):
    site = Site(tmp_path / "data")
    site.path.touch()
    worker = subprocess.run(
        WORKER, env=site.environment, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path
    )
    assert worker.returncode == 1
    (line,) = worker.stderr.splitlines()
    assert str(site.path) in line
    assert "Not a directory" in line


def test_a_worker_is_alive_while_it_runs(site: Site):
    def is_alive() -> bool:
        return not subprocess.run([*WORKER, "--alive"], env=site.environment, timeout=60, check=False).returncode

    assert not is_alive()
    worker = site.start_worker(WORKER)
    until(is_alive, "the worker to be alive")
    site.kill(worker)
    assert not is_alive()


def test_progress_grows(site: Site):
    site.start_worker()
    sent = site.submit("steps=30,seconds=0.05")
    seen: set[int] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            state = site.builds.get(sent.id)
            assert state is not None
            seen.add(state.progress.files_read)
            time.sleep(0.02)

    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(watch)
        site.wait(sent.id, "done")
        done.set()
        watching.result()
    assert len(seen) > 3
