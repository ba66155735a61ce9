"""BuildPoller: reads the state of builds that clients wait for, each build once for all its clients."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from heatsvc.jobs.folder import BuildFolder
from heatsvc.jobs.state import BuildState, state_of

# Seconds between two reads: the interval grows, so that short builds end without delay and long ones cost little.
_MIN_INTERVAL, _MAX_INTERVAL, _GROWTH = 0.02, 0.2, 1.3

ReadState = Callable[[str, BuildState | None], "asyncio.Future[BuildState | None]"]


def read_build_state(folder: BuildFolder, previous: BuildState | None) -> BuildState | None:
    """A build's state without its report; None where the build is gone.

    Args:
        folder: the build's folder.
        previous: the state read before; its request, which names tens of thousands of files, is not read again.
    """
    if previous is None:
        return state_of(folder, report=False)
    outcome = folder.outcome(report=False)
    if outcome is not None:
        return replace(previous, state=outcome.state, progress=folder.progress(), outcome=outcome)
    if not folder.exists():
        return None
    progress = folder.progress()
    return replace(previous, state="queued" if progress.stage == "waiting" else "running", progress=progress)


class BuildPoller:
    """Polls builds, with one task per build.

    Args:
        read_state: reads a build's state in a thread, from its id and the previous state; see `read_build_state`.
    """

    def __init__(self, read_state: ReadState) -> None:
        self._read_state = read_state
        self._builds: dict[str, PolledBuild] = {}

    @property
    def polled(self) -> int:
        """The number of builds that are being polled."""
        return len(self._builds)

    @asynccontextmanager
    async def poll(self, id: str) -> AsyncIterator[PolledBuild]:
        """A build that is polled while the block runs."""
        build = self._builds.get(id)
        if build is None:
            build = self._builds[id] = PolledBuild(lambda previous: self._read_state(id, previous))
        build.clients += 1
        try:
            yield build
        finally:
            build.clients -= 1
            if not build.clients:
                del self._builds[id]
                build.task.cancel()


class PolledBuild:
    """The state of one build as last read.

    Attributes:
        state: None before the first read, and once the build is gone.
        ended: whether polling has ended, because the build has an outcome or is gone.
        version: the number of changes so far.
        clients: how many requests wait for the build.
        task: the polling task.
    """

    def __init__(self, read_state: Callable[[BuildState | None], asyncio.Future[BuildState | None]]) -> None:
        self.state: BuildState | None = None
        self.ended = False
        self.version = 0
        self.clients = 0
        self._changed = asyncio.Event()
        self.task = asyncio.create_task(self._poll(read_state))

    async def wait_for_change(self, version: int, seconds: float) -> bool:
        """Wait until the version differs from the given one; False where it did not within the given seconds.

        Raises:
            OSError: the build's state cannot be read.
        """
        if self.version == version:
            try:
                async with asyncio.timeout(seconds):
                    await self._changed.wait()
            except TimeoutError:
                return False
        if self.task.done():
            self.task.result()
        return True

    async def _poll(self, read_state: Callable[[BuildState | None], asyncio.Future[BuildState | None]]) -> None:
        interval = _MIN_INTERVAL
        try:
            while not self.ended:
                state = await read_state(self.state)
                self.ended = state is None or state.outcome is not None
                if self.ended or self.version == 0 or state != self.state:
                    self.state = state
                    self._notify()
                await asyncio.sleep(0 if self.ended else interval)
                interval = min(interval * _GROWTH, _MAX_INTERVAL)
        finally:
            self.ended = True
            self._notify()

    def _notify(self) -> None:
        self.version += 1
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
