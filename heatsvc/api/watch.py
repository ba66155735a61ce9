"""Watch: builds looked at for all who wait for them. A build is asked after once, however many want to know."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from heatsvc.jobs.folder import BuildFolder
from heatsvc.jobs.state import BuildState

# Seconds between looks: a small build is over soon, and is told of soon; a long one need not be asked after often.
_SHORTEST, _LONGEST, _GROWTH = 0.02, 0.2, 1.3


Look = Callable[[str, BuildState | None], "asyncio.Future[BuildState | None]"]


def look(folder: BuildFolder, before: BuildState | None) -> BuildState | None:
    """What can be told of a build, without its report; None where it is gone.

    Args:
        folder: where it lies.
        before: what was told last; its request, which names tens of thousands of files, is not read again.
    """
    if before is None:
        return folder.state(report=False)
    result = folder.result(report=False)
    if result is not None:
        return replace(before, state=result.state, progress=folder.progress(), result=result)
    if not folder.exists():
        return None
    progress = folder.progress()
    return replace(before, state="queued" if progress.stage == "waiting" else "running", progress=progress)


class Watch:
    """All builds that somebody waits for, each with one task that looks at it.

    Args:
        look: has a thread look at a build of that id; see the function.
    """

    def __init__(self, look: Look) -> None:
        self._look = look
        self._seen: dict[str, _Seen] = {}

    @asynccontextmanager
    async def watch(self, build: str) -> AsyncIterator[_Seen]:
        """What is seen of a build, kept up to date while the block runs."""
        seen = self._seen.get(build)
        if seen is None:
            seen = self._seen[build] = _Seen()
            seen.task = asyncio.create_task(seen.keep_looking(lambda before: self._look(build, before)))
        seen.watchers += 1
        try:
            yield seen
        finally:
            seen.watchers -= 1
            if not seen.watchers:
                del self._seen[build]
                if seen.task is not None:
                    seen.task.cancel()


class _Seen:
    """What was last seen of one build.

    Attributes:
        state: what it was; None before the first look, and once the build is gone.
        over: whether nothing more will be seen: the build has a result, or is gone.
        watchers: how many want to know.
        task: what looks.
    """

    def __init__(self) -> None:
        self.state: BuildState | None = None
        self.over = False
        self.watchers = 0
        self.task: asyncio.Task[None] | None = None
        self._changes = 0
        self._change = asyncio.Event()

    @property
    def changes(self) -> int:
        """How often something new was seen."""
        return self._changes

    async def changed(self, since: int, seconds: float) -> bool:
        """Wait until something new has been seen since; False where nothing was in so many seconds.

        Raises:
            OSError: and whatever else kept the build from being looked at.
        """
        if self._changes == since:
            try:
                async with asyncio.timeout(seconds):
                    await self._change.wait()
            except TimeoutError:
                return False
        if self.task is not None and self.task.done():
            self.task.result()
        return True

    async def keep_looking(self, look: Callable[[BuildState | None], asyncio.Future[BuildState | None]]) -> None:
        """Look until there is nothing more to see."""
        pause = _SHORTEST
        try:
            while not self.over:
                state = await look(self.state)
                self.over = state is None or state.result is not None
                if self.over or self._changes == 0 or state != self.state:
                    self.state = state
                    self._tell()
                await asyncio.sleep(0 if self.over else pause)
                pause = min(pause * _GROWTH, _LONGEST)
        finally:
            self.over = True
            self._tell()

    def _tell(self) -> None:
        self._changes += 1
        told, self._change = self._change, asyncio.Event()
        told.set()
