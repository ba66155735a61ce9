"""BuildPoller: clients see every change of a build, and each build is read once for all of them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from heatsvc.annotation.progress import Progress
from heatsvc.api.build_poller import BuildPoller
from heatsvc.jobs.state import BuildState

BUILD = "0" * 32
QUEUED = BuildState(BUILD, "queued", 0.0, Progress("waiting"), None)
RUNNING = replace(QUEUED, state="running", progress=Progress("keypoints", 1, 2))


class Reader:
    """Gives a list of states, one for each read, and counts the reads."""

    def __init__(self, *states: BuildState | OSError | None):
        self.reads = 0
        self._states = list(states)

    def __call__(self, id: str, previous: BuildState | None) -> asyncio.Future[BuildState | None]:
        state = self._states[min(self.reads, len(self._states) - 1)]
        self.reads += 1
        future = asyncio.get_running_loop().create_future()
        if isinstance(state, OSError):
            future.set_exception(state)
        else:
            future.set_result(state)
        return future


async def poll(poller: BuildPoller, tick_seconds: float = 60.0) -> list[BuildState | None]:
    return [state async for state in poller.poll(BUILD, tick_seconds)]


def test_a_state_is_yielded_when_it_has_changed() -> None:
    poller = BuildPoller(Reader(QUEUED, QUEUED, RUNNING, RUNNING, None))
    assert asyncio.run(poll(poller)) == [QUEUED, RUNNING]
    assert poller.polled == 0


def test_many_clients_read_a_build_once() -> None:
    reader = Reader(QUEUED, RUNNING, None)
    poller = BuildPoller(reader)

    async def poll_together() -> list[list[BuildState | None]]:
        return await asyncio.gather(*[poll(poller) for _ in range(50)])

    assert asyncio.run(poll_together()) == [[QUEUED, RUNNING]] * 50
    assert reader.reads == 3


def test_a_missing_build_has_no_state() -> None:
    assert asyncio.run(poll(BuildPoller(Reader(None)))) == []


def test_none_is_yielded_where_nothing_changes() -> None:
    states = asyncio.run(poll(BuildPoller(Reader(*[QUEUED] * 5, None)), tick_seconds=0.001))
    assert states.count(QUEUED) == 1
    assert None in states


def test_polling_ends_with_its_last_client() -> None:
    reader = Reader(QUEUED)
    poller = BuildPoller(reader)

    async def poll_once() -> None:
        states = poller.poll(BUILD, 60.0)
        assert await anext(states) == QUEUED
        assert poller.polled == 1
        await states.aclose()

    asyncio.run(poll_once())
    assert poller.polled == 0
    assert reader.reads == 1


def test_an_error_reaches_the_clients() -> None:
    with pytest.raises(PermissionError):
        asyncio.run(poll(BuildPoller(Reader(QUEUED, PermissionError("no")))))
