"""Streamed responses: the same bytes, no more work than the client takes, and a clean end."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import structlog
from starlette.types import Message

from heatsvc.cancel import CancelledError
from heatsvc.encode.codings import CODINGS
from heatsvc.encode.job import MAX_WHOLE_BYTES, WorkItem
from heatsvc.render.scheduler import Scheduler
from tests.api.client import (
    JSON,
    NPY,
    NPZ,
    PIPELINE,
    SAFETENSORS,
    TIMEOUT,
    Client,
    Response,
    StreamedRequest,
    clip_of,
)
from tests.api.test_admission import budgets
from tests.api.test_service import sample

POINTS = np.random.default_rng(5).uniform(0, 64, (1, 160, 17, 2))
STEPS = [{**PIPELINE[0], "sigma": 2}]
CLIP: dict[str, Any] = clip_of(POINTS, pipeline=STEPS)
CLIPS: dict[str, Any] = {
    "clips": [clip_of(POINTS[:, :count], frame_dir=f"clip{count}") for count in (30, 60, 90, 120)],
    "pipeline": PIPELINE,
}
LARGE: dict[str, Any] = clip_of(POINTS[:, :100], pipeline=PIPELINE)
SMALL: dict[str, Any] = clip_of(POINTS[:, :10], pipeline=PIPELINE)
WIDE = {"keypoint": [[[10.0, 20.0]]], "img_shape": [512, 512], "pipeline": [{**PIPELINE[0], "sigma": 200}]}
# Items that are submitted for a client that has taken the first two or three chunks.
MOST_AHEAD = 6


@pytest.fixture
def submitted(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The work items that were given to the scheduler."""
    items: list[Any] = []
    submit = Scheduler.submit
    monkeypatch.setattr(Scheduler, "submit", lambda self, item: (items.append(item), submit(self, item))[1])
    return items


@pytest.mark.parametrize("coding", sorted(CODINGS))
@pytest.mark.parametrize("accept", [NPY, SAFETENSORS, NPZ])
def test_the_volumes_are_those_of_whole_responses(client: Client, accept: str, coding: str) -> None:
    streamed = client.post_json(CLIP, accept=accept, accept_encoding=coding)
    assert "render;dur" not in streamed.headers["server-timing"]
    array = streamed.array() if accept == NPY else streamed.tensors()["imgs"]
    expected = []
    for first in range(0, 160, 40):
        whole = client.post_json(clip_of(POINTS[:, first : first + 40], pipeline=STEPS), accept_encoding="zstd")
        assert "render;dur" in whole.headers["server-timing"]
        expected.append(whole.array())
    np.testing.assert_array_equal(array, np.concatenate(expected))


@pytest.mark.parametrize("coding", sorted(CODINGS))
@pytest.mark.parametrize("accept", [SAFETENSORS, NPZ])
def test_several_clips(client: Client, accept: str, coding: str) -> None:
    tensors = client.post_json(CLIPS, accept=accept, accept_encoding=coding).tensors()
    assert set(tensors) == {clip["frame_dir"] for clip in CLIPS["clips"]}
    for clip in CLIPS["clips"]:
        alone = client.post_json({**clip, "pipeline": PIPELINE}, accept_encoding="zstd").array()
        np.testing.assert_array_equal(tensors[clip["frame_dir"]], alone)


def test_json_is_streamed_too(client: Client) -> None:
    response = client.post_json(SMALL, accept=JSON)
    assert "content-length" not in response.headers
    (clip,) = response.json()["clips"]
    np.testing.assert_array_equal(np.array(clip["imgs"], np.float32), client.post_json(SMALL).array())


@pytest.mark.parametrize(("accept", "coding"), [(NPY, "identity"), (SAFETENSORS, "identity")])
def test_the_length_is_there_where_it_is_known(client: Client, accept: str, coding: str) -> None:
    response = client.post_json(CLIP, accept=accept, accept_encoding=coding)
    assert int(response.headers["content-length"]) == len(response.wire) > MAX_WHOLE_BYTES


def test_a_small_response_is_whole(client: Client) -> None:
    response = client.post_json(SMALL, accept_encoding="zstd")
    assert int(response.headers["content-length"]) == len(response.wire)
    assert "render;dur" in response.headers["server-timing"]


def test_a_client_that_does_not_read_stops_the_rendering(serve: Callable[..., Client], submitted: list[Any]) -> None:
    client = serve(draw_threads=1)

    async def run() -> None:
        stream = StreamedRequest(client, CLIP)
        running = asyncio.create_task(stream.run())
        await stream.take(3)
        # Meanwhile the same worker renders all of another response.
        other = await client.send("POST", "/heatmap", json=CLIP, headers={"accept-encoding": "identity"})
        assert int(other.headers["content-length"]) == len(other.wire)
        taken = count_first(submitted)
        assert taken <= MOST_AHEAD
        assert len(submitted) - taken > 2 * MOST_AHEAD
        assert 0 < budgets(client)[3] <= MOST_AHEAD * MAX_WHOLE_BYTES
        stream.disconnect()
        await asyncio.wait_for(running, TIMEOUT)
        assert count_first(submitted) <= MOST_AHEAD

    client.wait(run())
    assert budgets(client) == [0, 0, 0, 0]


def test_a_huge_response_is_rendered_as_far_as_it_is_read(serve: Callable[..., Client], submitted: list[Any]) -> None:
    client = serve(max_volume_bytes=1 << 40)
    maps = clip_of(
        np.full((1, 2000, 1, 2), 2000.0), (4096, 4096), pipeline=[{**PIPELINE[0], "sigma": 300}], dtype="uint8"
    )

    async def run() -> None:
        stream = StreamedRequest(client, maps, {"accept-encoding": "zstd"})
        running = asyncio.create_task(stream.run())
        await stream.take(5)
        assert (await client.send("GET", "/health/live")).status == 200
        assert (await client.send("POST", "/heatmap", json=SMALL)).status == 200
        stream.disconnect()
        await asyncio.wait_for(running, TIMEOUT)

    client.wait(run())
    assert sum(item.decoded_bytes for item in submitted) < 20 << 24  # of 2000 maps of 16 MiB
    assert budgets(client) == [0, 0, 0, 0]


def test_requests_are_served_while_a_client_reads_a_long_response(
    serve: Callable[..., Client], submitted: list[Any]
) -> None:
    client = serve(draw_threads=1)

    async def run() -> list[Response]:
        stream = StreamedRequest(client, CLIP)
        running = asyncio.create_task(stream.run())
        messages = await stream.take(2)
        headers = {"accept-encoding": "zstd"}
        others = [await client.send("POST", "/heatmap", json=document, headers=headers) for document in (SMALL, LARGE)]
        assert not running.done()
        messages += await stream.take_all(running)
        assert b"".join(message.get("body", b"") for message in messages) == whole
        return others

    whole = client.post_json(CLIP).wire
    assert [response.status for response in client.wait(run())] == [200, 200]
    assert budgets(client) == [0, 0, 0, 0]


def test_a_single_clip_does_not_wait_behind_many(serve: Callable[..., Client], submitted: list[Any]) -> None:
    client = serve(draw_threads=1)
    many = {
        "clips": [{**LARGE, "frame_dir": f"clip{place}"} for place in range(60)],
        "pipeline": PIPELINE,
        "reduce": "max",
    }
    for clip in many["clips"]:
        del clip["pipeline"]

    async def run() -> tuple[Response, Response]:
        headers = {"accept-encoding": "zstd"}
        long = asyncio.create_task(client.send("POST", "/heatmap", json=many, headers=headers))
        while not submitted:
            await asyncio.sleep(0.001)
        single = await client.send("POST", "/heatmap", json=WIDE, headers=headers)
        return single, await long

    single, long = client.wait(run())
    assert single.array().shape == (1, 1, 512, 512)
    assert len(long.tensors()) == 60
    last = max(place for place, item in enumerate(submitted) if item.token is not submitted[0].token)
    assert last < len(submitted) // 2


def test_a_client_that_disconnects_before_the_response_starts(
    serve: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = serve(draw_threads=1)
    gate, begun, rendered = threading.Event(), [], []
    run_item = WorkItem.run

    def gated(item: WorkItem) -> Any:
        begun.append(item)
        assert gate.wait(TIMEOUT)
        chunks = run_item(item)
        rendered.append(item)
        return chunks

    monkeypatch.setattr(WorkItem, "run", gated)

    async def run() -> None:
        stream = StreamedRequest(client, CLIP)
        running = asyncio.create_task(stream.run())
        while not begun:
            await asyncio.sleep(0.001)
        stream.disconnect()
        while not is_cancelled(begun[0]):
            await asyncio.sleep(0.001)
        gate.set()
        assert await stream.take_all(running) == []

    client.wait(run())
    assert rendered == []
    assert sample(client, "heatsvc_requests_total", method="POST", route="/heatmap", status="499") == 1
    assert budgets(client) == [0, 0, 0, 0]


def test_a_response_that_cannot_begin_in_time_is_refused(
    serve: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = serve(request_seconds=0.2)
    delay_items(monkeypatch, 0.3, from_number=0)
    response = client.post_json(LARGE)
    assert "HEATSVC_REQUEST_SECONDS" in response.problem(503)["detail"]
    assert int(response.headers["retry-after"]) >= 1
    assert budgets(client) == [0, 0, 0, 0]


def test_a_response_that_has_begun_may_take_longer(
    serve: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = serve(request_seconds=1.5)
    expected = client.post_json(LARGE).array()
    delay_items(monkeypatch, 1.6, from_number=3)
    np.testing.assert_array_equal(client.post_json(LARGE).array(), expected)


@pytest.mark.parametrize(
    ("change", "headers", "settings", "status"),
    [
        ({}, {"accept": "text/html"}, {}, 406),
        ({}, {"accept_encoding": "br, identity;q=0"}, {}, 406),
        ({"select": [17]}, {}, {}, 422),
        ({"frame_dir": "a" * 100_000}, {}, {}, 422),
        ({}, {}, {"max_volume_bytes": 40_000_000}, 413),
        ({"pipeline": [*PIPELINE, {"type": "Heatmap2Potion", "C": 9}]}, {}, {"max_potion_bytes": 100_000}, 413),
        ({}, {"accept": JSON}, {"max_json_values": 1_000_000}, 422),
    ],
)
def test_requests_are_refused_before_anything_is_rendered(
    serve: Callable[..., Client],
    submitted: list[Any],
    change: dict[str, Any],
    headers: dict[str, str],
    settings: dict[str, int],
    status: int,
) -> None:
    client = serve(**settings)
    client.post_json({**CLIP, **change}, **headers).problem(status)
    assert submitted == []
    assert budgets(client) == [0, 0, 0, 0]


def test_an_error_in_a_tile_cuts_the_response_off(
    serve: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = serve(draw_threads=1)
    fail_at(monkeypatch, 3)

    async def run() -> list[Message]:
        stream = StreamedRequest(client, CLIP)
        return await stream.take_all(asyncio.create_task(stream.run()))

    with structlog.testing.capture_logs() as lines:
        messages = client.wait(run())
    assert [line["event"] for line in lines] == ["request failed"]
    assert messages[0]["status"] == 200
    assert all(message.get("more_body", True) for message in messages)
    assert [message["type"] for message in messages].count("http.response.start") == 1
    assert budgets(client) == [0, 0, 0, 0]


def test_an_error_in_the_first_tile_is_a_500(serve: Callable[..., Client], monkeypatch: pytest.MonkeyPatch) -> None:
    client = serve()
    fail_at(monkeypatch, 0)
    with structlog.testing.capture_logs():
        client.post_json(CLIP).problem(500)
    assert budgets(client) == [0, 0, 0, 0]


def count_first(submitted: list[Any]) -> int:
    """The items of the first response that was begun."""
    return sum(item.token is submitted[0].token for item in submitted)


def is_cancelled(item: WorkItem) -> bool:
    try:
        item.token.raise_if_cancelled()
    except CancelledError:
        return True
    return False


def delay_items(monkeypatch: pytest.MonkeyPatch, seconds: float, *, from_number: int) -> None:
    """Rendering an item takes so long from now on, after the first few."""
    numbers, run = itertools.count(), WorkItem.run

    def slow(item: WorkItem) -> Any:
        if next(numbers) in range(from_number, from_number + 2):
            time.sleep(seconds)
        return run(item)

    monkeypatch.setattr(WorkItem, "run", slow)


def fail_at(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Rendering the item of that number raises an exception."""
    numbers, run = itertools.count(), WorkItem.run

    def failing(item: WorkItem) -> Any:
        if next(numbers) == number:
            raise ValueError("broken")
        return run(item)

    monkeypatch.setattr(WorkItem, "run", failing)
