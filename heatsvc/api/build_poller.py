"""BuildPoller: reads the state of builds that clients wait for, each build once for all its clients."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace

from heatsvc.jobs.folder import BuildFolder
from heatsvc.jobs.state import BuildState

# Seconds between two reads. The interval grows: short builds are reported without delay, and long ones cost little.
_MIN_INTERVAL, _MAX_INTERVAL, _GROWTH = 0.02, 0.2, 1.3

ReadState = Callable[[str, BuildState | None], "asyncio.Future[BuildState | None]"]


def read_build_state(folder: BuildFolder, previous: BuildState | None) -> BuildState | None:
    """A build's state without its report; None if the build was deleted.

    Args:
        folder: the build's folder.
        previous: the state read before. Its request, which can name tens of thousands of files, is not read again.
    """
    if previous is None:
        return folder.state(report=False)
    result = folder.result(report=False)
    if result is not None:
        return replace(previous, state=result.state, progress=folder.progress(), result=result)
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
        self._builds: dict[str, _PolledBuild] = {}

    @property
    def polled(self) -> int:
        """The number of builds that are being polled."""
        return len(self._builds)

    async def poll(self, id: str, tick_seconds: float) -> AsyncGenerator[BuildState | None]:
        """Yield a build's state whenever it has changed, until the build has ended or was deleted.

        Args:
            id: the build's id.
            tick_seconds: yield None after this time without a change.

        Raises:
            OSError: the build's state cannot be read.
        """
        build = self._builds.get(id)
        if build is None:
            build = self._builds[id] = _PolledBuild()
            build.task = asyncio.create_task(build.poll(id, self._read_state))
        build.clients += 1
        try:
            version = 0
            while True:
                changed = build.version != version or await build.wait_for_change(tick_seconds)
                version = build.version
                if build.ended:
                    break
                yield build.state if changed else None
            await build.task  # raises the error that reading the state raised
        finally:
            build.clients -= 1
            if not build.clients:
                del self._builds[id]
                build.task.cancel()


class _PolledBuild:
    """The last state of one build, the number of its changes, and the number of clients that wait for it."""

    task: asyncio.Task[None]

    def __init__(self) -> None:
        self.state: BuildState | None = None
        self.ended = False
        self.version = 0
        self.clients = 0
        self._changed = asyncio.Event()

    async def wait_for_change(self, seconds: float) -> bool:
        """Wait for the next change; False if there is none within the given seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True

    async def poll(self, id: str, read_state: ReadState) -> None:
        interval = _MIN_INTERVAL
        try:
            while not self.ended:
                state = await read_state(id, self.state)
                self.ended = state is None or state.result is not None
                if not self.ended and (self.version == 0 or state != self.state):
                    self.state = state
                    self._notify()
                if not self.ended:
                    await asyncio.sleep(interval)
                interval = min(interval * _GROWTH, _MAX_INTERVAL)
        finally:
            self.ended = True
            self._notify()

    def _notify(self) -> None:
        self.version += 1
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
