"""A lock has one holder, and none once that process has died."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from heatsvc.jobs.data_directory import DataDirectory
from heatsvc.jobs.folder import acquire_lock, is_locked
from heatsvc.jobs.worker import Worker
from heatsvc.settings import Settings
from tests.durable.site import until

HOLD = """
import sys, time
from pathlib import Path
from heatsvc.jobs.folder import acquire_lock
with acquire_lock(Path(sys.argv[1])) as acquired:
    print(acquired, flush=True)
    time.sleep(60)
"""


def test_a_lock_has_one_holder(tmp_path: Path):
    path = tmp_path / "lock"
    assert not is_locked(path)
    with acquire_lock(path) as first, acquire_lock(path) as second:
        assert first
        assert not second
        assert is_locked(path)
    assert not is_locked(path)


def test_a_lock_can_be_waited_for(tmp_path: Path):
    path, acquired, release = tmp_path / "lock", threading.Event(), threading.Event()

    def hold() -> None:
        with acquire_lock(path):
            acquired.set()
            release.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    acquired.wait()
    threading.Timer(0.1, release.set).start()
    with acquire_lock(path, seconds=60) as mine:
        assert mine
    thread.join()


def test_a_missing_folder_has_no_lock(tmp_path: Path):
    with acquire_lock(tmp_path / "gone" / "lock", seconds=60) as mine:
        assert not mine


def test_the_lock_of_a_replaced_folder_is_not_that_of_the_new_one(tmp_path: Path):
    folder = tmp_path / "build"
    folder.mkdir()
    with acquire_lock(folder / "lock"):
        folder.rename(tmp_path / "removed")
        folder.mkdir()
        with acquire_lock(folder / "lock") as mine:
            assert mine


def test_a_lock_is_free_once_its_holder_was_killed(tmp_path: Path):
    path = tmp_path / "lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "True\n"
    assert is_locked(path)
    holder.kill()
    holder.wait()
    with acquire_lock(path) as mine:
        assert mine


def test_a_worker_is_alive_from_its_start_to_its_end(tmp_path: Path):
    directory = DataDirectory(tmp_path / "data")
    assert not directory.is_worker_alive()
    worker = Worker(Settings(data_dir=directory.path))
    thread = threading.Thread(target=worker.run)
    thread.start()
    until(lambda: directory.is_worker_alive(), "the worker to hold its lock")
    worker.stop()
    thread.join()
    assert not directory.is_worker_alive()
