"""Admission: what requests share, who waits for it, and who is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest

from heatsvc.api.limits import UNBUDGETED_BYTES, SharedBudget
from heatsvc.api.problems import RequestError
from tests.api.client import CLIP, PIPELINE, Client, clip_of


def budget(limit: int, wait_seconds: float = 30.0) -> SharedBudget:
    return SharedBudget(limit, "HEATSVC_SOMETHING", wait_seconds)


async def waiting(shared: SharedBudget, amount: int) -> asyncio.Task[None]:
    """Somebody who waits for an amount."""
    task = asyncio.create_task(shared.acquire(amount))
    await asyncio.sleep(0)
    assert not task.done()
    return task


def test_first_come_first_served() -> None:
    async def run() -> None:
        shared = budget(10)
        await shared.acquire(8)
        first, second = await waiting(shared, 5), await waiting(shared, 1)
        assert not shared.try_acquire(1)  # it would be there, but others wait
        shared.release(2)
        await asyncio.sleep(0)
        assert not second.done()
        shared.release(3)
        await asyncio.wait_for(asyncio.gather(first, second), 30)
        assert shared.used == 9

    asyncio.run(run())


def test_more_than_the_limit_is_all_of_it() -> None:
    async def run() -> None:
        shared = budget(10)
        with await shared.reserve(1000):
            assert shared.used == 10
        assert shared.used == 0

    asyncio.run(run())


def test_waiting_too_long_is_refused() -> None:
    async def run() -> None:
        shared = budget(10, wait_seconds=0.01)
        await shared.acquire(10)
        with pytest.raises(RequestError, match="HEATSVC_SOMETHING") as caught:
            await shared.acquire(1)
        assert (caught.value.status, int(caught.value.headers["Retry-After"])) == (503, 1)
        shared.release(10)
        assert shared.used == 0
        assert shared.try_acquire(10)

    asyncio.run(run())


def test_a_cancelled_waiter_takes_nothing_and_blocks_nobody() -> None:
    async def run() -> None:
        shared = budget(10)
        await shared.acquire(8)
        first, second = await waiting(shared, 9), await waiting(shared, 2)
        first.cancel()
        await asyncio.wait_for(second, 30)
        assert shared.used == 10

    asyncio.run(run())


def test_an_amount_granted_to_a_cancelled_waiter_is_released() -> None:
    async def run() -> None:
        shared = budget(10)
        await shared.acquire(10)
        task = await waiting(shared, 4)
        shared.release(10)  # given, but the task has not run yet
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert shared.used == 0

    asyncio.run(run())


def test_many_waiters_are_refused_at_the_same_time() -> None:
    async def run() -> None:
        shared = budget(10, wait_seconds=0.01)
        await shared.acquire(10)
        results = await asyncio.gather(*(shared.acquire(3) for _ in range(50)), return_exceptions=True)
        assert all(isinstance(result, RequestError) for result in results)
        shared.release(10)
        assert shared.used == 0

    asyncio.run(run())


def test_a_reservation_shrinks() -> None:
    async def run() -> None:
        shared = budget(10)
        with await shared.reserve(8) as reservation:
            reservation.shrink(3)
            assert shared.used == 3
            reservation.shrink(5)  # it does not grow
            assert shared.used == 3
        assert shared.used == 0
        assert shared.peak == 8

    asyncio.run(run())


def budgets(client: Client) -> list[int]:
    shared = client.app.state.service
    parts = (shared.compute_slots, shared.body_memory, shared.working_memory, shared.renderer.tile_memory)
    return [part.used for part in parts]


LARGE = clip_of(np.random.default_rng(0).uniform(0, 64, (1, 300, 17, 2)), pipeline=PIPELINE)


def test_large_requests_wait_for_a_slot_and_small_ones_do_not(serve: Callable[..., Client]) -> None:
    client = serve(compute_slots=1, admission_seconds=0.05)
    slots = client.app.state.service.compute_slots
    client.wait(slots.acquire(1))
    assert client.post_json(CLIP).status == 200
    response = client.post_json(LARGE)
    assert "HEATSVC_COMPUTE_SLOTS" in response.problem(503)["detail"]
    assert int(response.headers["retry-after"]) >= 1
    slots.release(1)
    assert client.post_json(LARGE).status == 200
    assert budgets(client) == [0, 0, 0, 0]


@pytest.mark.parametrize("name", ["body_memory", "working_memory"])
def test_large_requests_wait_for_memory_and_small_ones_do_not(serve: Callable[..., Client], name: str) -> None:
    client = serve(admission_seconds=0.05)
    memory = getattr(client.app.state.service, name)
    client.wait(memory.acquire(memory.limit))
    assert client.post_json(CLIP).status == 200
    assert f"HEATSVC_{name.upper()}_BYTES" in client.post_json(LARGE).problem(503)["detail"]
    memory.release(memory.limit)
    assert client.post_json(LARGE).status == 200
    assert budgets(client) == [0, 0, 0, 0]


def test_a_streamed_response_waits_for_tile_memory_before_it_begins(serve: Callable[..., Client]) -> None:
    client = serve(admission_seconds=0.05)
    memory = client.app.state.service.renderer.tile_memory
    client.wait(memory.acquire(memory.limit))
    assert "HEATSVC_TILE_MEMORY_BYTES" in client.post_json(LARGE).problem(503)["detail"]
    memory.release(memory.limit)
    assert budgets(client) == [0, 0, 0, 0]


def test_a_body_of_unknown_length_takes_memory_as_it_comes(serve: Callable[..., Client]) -> None:
    client = serve()
    seen: list[int] = []
    text = json.dumps(LARGE).encode()
    assert len(text) > 2 * UNBUDGETED_BYTES

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(text), 10_000):
            seen.append(budgets(client)[1])
            yield text[start : start + 10_000]

    assert client.post(pieces()).status == 200
    assert (min(seen), max(seen)) == (0, 1 << 20)
    assert budgets(client) == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, 200),
        ({"dtype": "int8"}, 422),
        ({"keypoint": [[["x", 0]]] * 20_000}, 422),
        ({"pipeline": [{**PIPELINE[0], "scaling": 1000.0}]}, 422),
    ],
)
def test_budgets_return_to_zero_however_a_request_ends(
    serve: Callable[..., Client], change: dict[str, Any], status: int
) -> None:
    client = serve()
    assert client.post_json({**LARGE, **change}).status == status
    assert budgets(client) == [0, 0, 0, 0]
