"""Children: started, started again, called for and ended. They fork, so each test has a process of its own for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import orjson
import pytest

from tests.durable.site import until
from tests.serving import ROOT

HEAD = """
import os, signal, sys, time
from heatsvc.cli.children import STARTUP_FAILURE, Children, Job
from heatsvc.logs import configure_logs
configure_logs("info")

def say(word):
    os.write(1, (word + chr(10)).encode())

def sleep(parent):
    say(f"sleeps {os.getpid()}")
    time.sleep(60)
    return 0

def stubborn(parent):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return sleep(parent)
"""


class Run:
    """A program that has children.

    Args:
        folder: for what it says.
        code: the program, behind HEAD.
    """

    def __init__(self, folder: Path, code: str) -> None:
        self._out, self._log = folder / "out", folder / "log"
        with self._out.open("wb") as out, self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", HEAD + textwrap.dedent(code)],
                stdout=out,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )

    @property
    def words(self) -> list[str]:
        """Lines that the children wrote."""
        return self._out.read_text().splitlines()

    @property
    def sleeping(self) -> list[int]:
        """Children that sleep, or did."""
        return [int(line.split()[1]) for line in self.words if line.startswith("sleeps")]

    @property
    def log(self) -> list[dict[str, object]]:
        return [orjson.loads(line) for line in self._log.read_bytes().splitlines()]

    def ended(self) -> int:
        """The exit status, once all children are gone."""
        status = self.process.wait(30)
        for pid in self.sleeping:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
        return status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
def test_all_end_when_the_parent_is_told_to(number: signal.Signals, tmp_path: Path):
    run = Run(tmp_path, 'sys.exit(Children([Job("a", sleep), Job("b", sleep)]).run())')
    until(lambda: len(run.sleeping) == 2, "both to run")
    run.process.send_signal(number)
    assert run.ended() == 0
    assert run.log == []


def test_one_that_ends_is_started_again_later_each_time(tmp_path: Path):
    run = Run(tmp_path, 'Children([Job("a", lambda parent: 7)]).run()')
    until(lambda: len(run.log) == 3, "it to end three times")
    run.process.terminate()
    assert run.ended() == 0
    assert [line["status"] for line in run.log] == [7, 7, 7]
    assert [line["again_in"] for line in run.log] == [0.5, 1.0, 2.0]


def test_where_there_is_room_for_no_process_it_is_tried_later_each_time(tmp_path: Path):
    run = Run(
        tmp_path,
        """
        fork, tries = os.fork, []

        def full():
            tries.append(None)
            if len(tries) < 4:
                raise BlockingIOError(11, "Resource temporarily unavailable")
            return fork()

        os.fork = full
        sys.exit(Children([Job("a", sleep)]).run())
        """,
    )
    until(lambda: len(run.sleeping) == 1, "it to run")
    assert [line["event"] for line in run.log] == ["no process can be started"] * 3
    assert [line["again_in"] for line in run.log] == [0.5, 1.0, 2.0]
    run.process.terminate()
    assert run.ended() == 0


def test_what_a_child_raises_is_its_own_affair(tmp_path: Path):
    run = Run(tmp_path, 'Children([Job("a", lambda parent: 1 / 0), Job("b", sleep)]).run()')
    until(lambda: len(run.log) >= 2, "one to end")
    assert run.log[0]["event"] == "a process failed"
    assert "ZeroDivisionError" in str(run.log[0]["exception"])
    assert (run.log[1]["event"], run.log[1]["status"]) == ("a process ended", 1)
    run.process.terminate()
    assert run.ended() == 0


def test_one_that_could_not_begin_ends_all(tmp_path: Path):
    run = Run(tmp_path, 'sys.exit(Children([Job("a", sleep), Job("b", lambda parent: STARTUP_FAILURE)]).run())')
    assert run.ended() == 3


def test_later_it_is_tried_again(tmp_path: Path):
    run = Run(
        tmp_path,
        f"""
        before = {str(tmp_path / "before")!r}

        def job(parent):
            if os.path.exists(before):
                return STARTUP_FAILURE
            open(before, "w").close()
            return 0

        Children([Job("a", job)]).run()
        """,
    )
    until(lambda: len(run.log) == 2, "it to end twice")
    run.process.terminate()
    assert run.ended() == 0
    assert [line["status"] for line in run.log] == [0, 3]


def test_who_is_called_for_comes_once(tmp_path: Path):
    run = Run(
        tmp_path,
        """
        def caller(parent):
            for _ in range(100_000):
                parent.call()
            say("called")
            return sleep(parent)

        Children([Job("a", caller)], on_call=[Job("b", lambda parent: sleep(parent))]).run()
        """,
    )
    until(lambda: len(run.sleeping) == 2 and "called" in run.words, "both to run")
    run.process.terminate()
    assert run.ended() == 0
    assert len(run.sleeping) == 2


def test_nobody_comes_uncalled(tmp_path: Path):
    run = Run(tmp_path, 'Children([Job("a", sleep)], on_call=[Job("b", sleep)]).run()')
    until(lambda: len(run.sleeping) == 1, "one to run")
    run.process.terminate()
    assert run.ended() == 0
    assert len(run.sleeping) == 1


def test_the_second_signal_kills(tmp_path: Path):
    run = Run(tmp_path, 'Children([Job("a", stubborn)]).run()')
    until(lambda: len(run.sleeping) == 1, "it to run")
    run.process.terminate()
    with pytest.raises(subprocess.TimeoutExpired):
        run.process.wait(0.5)
    run.process.terminate()
    assert run.ended() == 0


def test_one_that_takes_too_long_over_stopping_is_killed(tmp_path: Path):
    run = Run(tmp_path, 'Children([Job("a", stubborn, stop_seconds=0.3)]).run()')
    until(lambda: len(run.sleeping) == 1, "it to run")
    run.process.terminate()
    assert run.ended() == 0


def test_a_group_ends_with_its_child(tmp_path: Path):
    run = Run(
        tmp_path,
        """
        def job(parent):
            if os.fork() == 0:
                stubborn(parent)
            signal.pause()

        Children([Job("a", job, grouped=True)]).run()
        """,
    )
    until(lambda: len(run.sleeping) == 1, "the grandchild to run")
    (grandchild,) = run.sleeping
    run.process.terminate()
    assert run.process.wait(30) == 0
    until(lambda: not Path(f"/proc/{grandchild}").exists() or "Z" in state(grandchild), "the grandchild to end")


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_child_sees_the_parents_end(tmp_path: Path):
    run = Run(
        tmp_path,
        """
        def job(parent):
            say(f"sleeps {os.getpid()}")
            ended = os.read(parent.life, 1)
            say("saw it")
            return 0

        Children([Job("a", job), Job("b", job)]).run()
        """,
    )
    until(lambda: len(run.sleeping) == 2, "both to run")
    run.process.kill()
    run.process.wait()
    until(lambda: run.words.count("saw it") == 2, "both to see it")
