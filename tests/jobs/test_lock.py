"""A lock is one process's, and nobody's once that one is dead."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from heatsvc.jobs.lock import held, is_held
from heatsvc.jobs.presence import is_alive_here, is_present, new_name, present, sweep_absent

HOLD = """
import sys, os, time
from pathlib import Path
from heatsvc.jobs.lock import held
with held(Path(sys.argv[1])):
    child = os.fork() if sys.argv[2] == "fork" else -1
    if child:
        print(child, flush=True)
    time.sleep(60)
"""


def test_one_holds_it(tmp_path: Path):
    path = tmp_path / "lock"
    assert not is_held(path)
    with held(path) as first, held(path) as second:
        assert first
        assert not second
        assert is_held(path)
    assert not is_held(path)


def test_one_waits_for_the_other(tmp_path: Path):
    path, taken = tmp_path / "lock", threading.Event()

    def hold() -> None:
        with held(path):
            taken.set()
            time.sleep(0.3)

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait()
    with held(path, seconds=10) as mine:
        assert mine
    thread.join()


def test_there_is_none_without_its_folder(tmp_path: Path):
    with held(tmp_path / "gone" / "lock", seconds=10) as mine:
        assert not mine


def test_a_lock_of_a_folder_that_was_replaced_is_not_this_folders(tmp_path: Path):
    folder = tmp_path / "build"
    folder.mkdir()
    with held(folder / "lock"):
        folder.rename(tmp_path / "removed")
        folder.mkdir()
        with held(folder / "lock") as mine:
            assert mine


def test_waiting_ends_when_it_is_told_to(tmp_path: Path):
    def stop() -> None:
        raise KeyError

    with held(tmp_path / "lock"), pytest.raises(KeyError), held(tmp_path / "lock", seconds=60, keep_going=stop):
        pass


@pytest.mark.parametrize("how", ["alone", "fork"])
def test_death_lets_go_of_it_even_if_a_fork_lives_on(tmp_path: Path, how: str):
    path = tmp_path / "lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path), how], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    child = int(holder.stdout.readline())
    try:
        assert is_held(path)
        holder.kill()
        holder.wait()
        with held(path, seconds=5) as mine:
            assert mine
    finally:
        if child > 0:
            os.kill(child, signal.SIGKILL)


def test_a_worker_is_seen_while_it_lives(tmp_path: Path):
    name = new_name()
    with present(tmp_path, name) as sign:
        assert is_present(tmp_path, name)
        assert is_alive_here(tmp_path)
        sweep_absent(tmp_path)
        assert sign.exists()
        long_ago = time.time() - 3600
        os.utime(sign, (long_ago, long_ago))
        assert not is_alive_here(tmp_path)
    assert not is_present(tmp_path, name)
    assert not is_alive_here(tmp_path)
    (tmp_path / "dead").touch()
    sweep_absent(tmp_path)
    assert not list(tmp_path.iterdir())
