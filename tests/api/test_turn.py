"""Turn: processes of one service that do something one after another. They fork: each test has a program for that."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

from tests.serving import ROOT

HEAD = """
import fcntl, os, signal, sys, time
from heatsvc.api.turn import Turn
from heatsvc.logs import configure_logs
configure_logs("error")

def fork(work):
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    return pid

def say(*words):
    os.write(1, (" ".join(map(str, words)) + chr(10)).encode())

turn = Turn()
told, tell = os.pipe()
"""


def said(code: str, *arguments: str) -> list[list[str]]:
    """What a program and its children say, line by line."""
    command = [sys.executable, "-c", HEAD + textwrap.dedent(code), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=240)
    assert done.stderr == ""
    return [line.split() for line in done.stdout.splitlines()]


def test_processes_take_turns():
    words = said("""
        def work():
            with turn.taken():
                say("in")
                time.sleep(0.2)
                say("out")

        for pid in [fork(work) for _ in range(4)]:
            os.waitpid(pid, 0)
    """)
    assert words == [["in"], ["out"]] * 4


def test_who_is_killed_gives_it_back():
    words = said("""
        def hold():
            with turn.taken():
                os.write(tell, b"x")
                time.sleep(60)

        holder = fork(hold)
        os.read(told, 1)
        os.kill(holder, signal.SIGKILL)
        started = time.monotonic()
        with turn.taken():
            say(time.monotonic() - started < 10)
        os.waitpid(holder, 0)
    """)
    assert words == [["True"]]


def test_what_goes_wrong_gives_it_back():
    words = said("""
        def fail():
            try:
                with turn.taken():
                    raise KeyError
            except KeyError:
                os.write(tell, b"x")
                time.sleep(60)

        failed = fork(fail)
        os.read(told, 1)
        started = time.monotonic()
        with turn.taken():
            say(time.monotonic() - started < 10)
        os.kill(failed, signal.SIGKILL)
    """)
    assert words == [["True"]]


def test_nobody_waits_for_ever():
    words = said("""
        def hold():
            with turn.taken():
                os.write(tell, b"x")
                time.sleep(60)

        holder = fork(hold)
        os.read(told, 1)
        for _ in range(2):  # who goes on without it gives back nothing
            started = time.monotonic()
            with turn.taken(patience=0.5):
                say(0.5 <= time.monotonic() - started < 10)
        os.kill(holder, signal.SIGKILL)
        with turn.taken():
            say("mine")
    """)
    assert words == [["True"], ["True"], ["mine"]]


def test_who_is_alone_does_not_wait():
    words = said("""
        started = time.monotonic()
        for _ in range(100):
            with turn.taken():
                pass
        say(time.monotonic() - started < 1)
    """)
    assert words == [["True"]]


def test_where_there_is_nothing_to_lock_nobody_waits():
    words = said("""
        def full(*_):
            raise OSError("no room")

        os.memfd_create = full
        with Turn().taken():
            say("one")
        del os.memfd_create
        with Turn().taken():
            say("two")
        fcntl.lockf = full
        with turn.taken():
            say("three")
    """)
    assert words == [["one"], ["two"], ["three"]]


def test_serving_processes_measure_the_gpu_one_after_another(tmp_path: Path):
    words = said(
        """
        from pathlib import Path
        from heatsvc.api.board import Board
        from heatsvc.api.colleagues import Colleagues
        from heatsvc.api.service import Service, warm
        from heatsvc.encode.devices import choice
        from heatsvc.settings import Settings

        def calibrate(*_):
            say("in")
            time.sleep(0.5)
            say("out")
            return []

        def serve(seat):
            seat.take()
            service = Service(settings, Colleagues(seat, None, turn))
            service.start()
            while service.warm_seconds is None and service.failure is None:
                time.sleep(0.01)
            say(service.lanes.used, service.failure)

        choice.find_gpu = lambda asked: "cuda:0"
        choice.calibrate = calibrate
        settings = Settings(_env_file=None, device="auto", data_dir=Path(sys.argv[1]))
        warm()
        for pid in [fork(lambda: serve(seat)) for seat in Board(3)]:
            os.waitpid(pid, 0)
        """,
        str(tmp_path),
    )
    told = ["cpu", "None"]
    assert [word for word in words if word != told] == [["in"], ["out"]] * 3
    assert words.count(told) == 3
