"""Children: processes forked from this one, and forked again where they end."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

import structlog

STARTUP_FAILURE = 3
"""The exit status of a child that could not begin; uvicorn's, too. Where it is the first of its kind, none will."""

_STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
_SIGNALS = (*_STOP, signal.SIGCHLD)
_CALL = 0  # is no signal's number
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_WELL_AFTER = 10.0

log = structlog.get_logger("heatsvc.processes")


@dataclass(frozen=True, slots=True)
class Parent:
    """What a child has of its parent.

    Attributes:
        life: a pipe to be read: it ends when the parent does, however that comes about.
        calls: a pipe to be written to.
    """

    life: int
    calls: int

    def call(self) -> None:
        """Have the parent start those children that wait for a call; nothing happens where they are there."""
        with contextlib.suppress(OSError):  # full of calls, or nobody is there any more
            os.write(self.calls, bytes((_CALL,)))


@dataclass(frozen=True, slots=True)
class Job:
    """What a child does.

    Attributes:
        name: as the log tells it.
        run: called in the child; returns its exit status, or does not return.
        grouped: whether it has a process group of its own, which is ended with it: Ctrl-C does not reach it then.
        stop_seconds: how long it may take to stop; then it is killed. None: as long as it likes.
        ended: called in the parent once the child has ended.
    """

    name: str
    run: Callable[[Parent], int]
    grouped: bool = False
    stop_seconds: float | None = None
    ended: Callable[[], None] = lambda: None


class _Child:
    """One that is kept alive.

    Attributes:
        pid: of the process; None while there is none.
        starts: how often it was started.
        due: when to start it (again), on `time.monotonic`'s clock; None while it runs.
        kill_at: when it has taken too long over stopping.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.pid: int | None = None
        self.starts = 0
        self.due: float | None = 0.0
        self.kill_at: float | None = None
        self._started = 0.0
        self._pause = 0.0

    def begun(self, pid: int) -> None:
        """It runs."""
        self.pid, self.due, self._started = pid, None, time.monotonic()
        self.starts += 1

    def not_begun(self) -> float:
        """It could not be started; returns after how long it is due again."""
        self._started = time.monotonic()
        return self.ended()[1]

    def ended(self) -> tuple[float, float]:
        """It does not any more; returns how long it has, and after how long it is due again."""
        now = time.monotonic()
        lived = now - self._started
        self._pause = 0.0 if lived > _WELL_AFTER else min(max(_FIRST_PAUSE, 2 * self._pause), _LONGEST_PAUSE)
        self.pid, self.due = None, now + self._pause
        return lived, self._pause


class Children:
    """Keeps processes alive from `run` to SIGTERM, SIGINT, SIGHUP or SIGQUIT; a second one of these kills them.

    A child is a copy of this process as it is when `run` is called, with all that it has loaded, and shares the memory
    of that. There must be no other threads by then: what they hold locked would stay locked in the copy.

    Args:
        jobs: of children that are there from the start.
        on_call: of children that are started when another one calls for them.
        stops: called here once no child will be started any more.
    """

    def __init__(
        self, jobs: Sequence[Job], on_call: Sequence[Job] = (), *, stops: Callable[[], None] = lambda: None
    ) -> None:
        self._children = [_Child(job) for job in jobs]
        self._on_call = [_Child(job) for job in on_call]
        self._stops = stops
        self._stopping = False
        self._status = 0

    def run(self) -> int:
        """Until told to stop, or until one could not even begin; returns the exit status."""
        calls, self._calls = os.pipe()
        life, self._life = os.pipe()
        for end in (calls, self._calls):
            os.set_blocking(end, False)
        self._parent = Parent(life, self._calls)
        for number in _SIGNALS:
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(self._calls, warn_on_full_buffer=False)
        while not self._stopping or any(child.pid for child in self._children):
            self._begin_due()
            select.select([calls], [], [], self._patience())
            with contextlib.suppress(BlockingIOError):
                for call in os.read(calls, 4096):
                    self._heed(call)
            self._reap()
        signal.set_wakeup_fd(-1)
        return self._status

    def _heed(self, number: int) -> None:
        if number == _CALL and not self._stopping:
            self._children += self._on_call
            self._on_call = []
        elif number in _STOP:
            self._stop(again=self._stopping)

    def _stop(self, *, again: bool = False) -> None:
        if not self._stopping:
            self._stopping = True
            self._stops()
        for child in self._children:
            child.due = None
            if child.pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child.pid, signal.SIGKILL if again else signal.SIGTERM)
                if child.job.stop_seconds is not None:
                    child.kill_at = time.monotonic() + child.job.stop_seconds

    def _patience(self) -> float | None:
        """Seconds until something is to be done though nothing happened."""
        times = [at for child in self._children for at in (child.due, child.kill_at) if at is not None]
        return max(0.0, min(times) - time.monotonic()) if times else None

    def _begin_due(self) -> None:
        for child in self._children:
            if child.due is not None and child.due <= time.monotonic() and not self._stopping:
                self._begin(child)
            if child.kill_at is not None and child.kill_at <= time.monotonic():
                child.kill_at = None
                if child.pid is not None:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(child.pid, signal.SIGKILL)

    def _begin(self, child: _Child) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        # A signal to the child would be told to the parent, until the child has handlers of its own.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            pid = os.fork()
            if pid == 0:
                self._be(child.job)
            child.begun(pid)
        except OSError as error:
            pause = child.not_begun()
            log.error("no process can be started", name=child.job.name, error=str(error), again_in=pause)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

    def _be(self, job: Job) -> NoReturn:
        """What a child does from its first moment to its last."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.close(self._life)
            if job.grouped:
                os.setpgid(0, 0)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            status = job.run(self._parent)
        except KeyboardInterrupt:
            status = 0
        except SystemExit as error:
            status = error.code if isinstance(error.code, int) else 1
        except BaseException:
            log.exception("a process failed", name=job.name)
        finally:
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(status)

    def _reap(self) -> None:
        for child in self._children:
            if child.pid is None:
                continue
            pid, status = os.waitpid(child.pid, os.WNOHANG)
            if pid:
                self._ended(child, pid, os.waitstatus_to_exitcode(status))

    def _ended(self, child: _Child, pid: int, status: int) -> None:
        if child.job.grouped:  # what it had started and left behind
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
        lived, pause = child.ended()
        child.job.ended()
        if self._stopping:
            child.due = child.kill_at = None
        elif status == STARTUP_FAILURE and child.starts == 1:
            self._status = status
            self._stop()
        else:
            log.warning(
                "a process ended",
                name=child.job.name,
                pid=pid,
                status=status,
                seconds=round(lived, 1),
                again_in=pause,
            )
