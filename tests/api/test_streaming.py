"""Streamed responses: the same bytes, no more work than the client takes, and a clean end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from heatsvc.encode.codings import CODINGS
from heatsvc.encode.job import MAX_WHOLE_BYTES
from heatsvc.render.scheduler import Scheduler
from tests.api.asking import DRAW, JSON, NPY, NPZ, SAFETENSORS, Answer, Asker, clip_of
from tests.api.test_admission import budgets

WAIT = 60
POINTS = np.random.default_rng(5).uniform(0, 64, (1, 400, 17, 2))
CLIP: dict[str, Any] = clip_of(POINTS, pipeline=DRAW)
CLIPS: dict[str, Any] = {
    "clips": [clip_of(POINTS[:, :count], frame_dir=f"clip{count}") for count in (30, 60, 90, 120)],
    "pipeline": DRAW,
}


class Stream:
    """A request by ASGI itself, whose client takes the response's messages one by one."""

    def __init__(self, service: Asker, document: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        self.app = service.app
        self.body = json.dumps(document).encode()
        self.headers = {"content-type": JSON, "content-length": str(len(self.body)), **(headers or {})}
        self.messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue(1)
        self.gone = asyncio.Event()
        self._received = False

    async def _receive(self) -> dict[str, Any]:
        if not self._received:
            self._received = True
            return {"type": "http.request", "body": self.body, "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def run(self) -> None:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": "/heatmap",
            "raw_path": b"/heatmap",
            "query_string": b"",
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in self.headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "state": {},
        }
        await self.app(scope, self._receive, self.messages.put)

    async def take(self, count: int) -> list[dict[str, Any]]:
        return [await asyncio.wait_for(self.messages.get(), WAIT) for _ in range(count)]


@pytest.fixture
def submitted(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The work items that were given to the scheduler."""
    items: list[Any] = []
    submit = Scheduler.submit
    monkeypatch.setattr(Scheduler, "submit", lambda self, item: (items.append(item), submit(self, item))[1])
    return items


@pytest.mark.parametrize("coding", sorted(CODINGS))
@pytest.mark.parametrize("accept", [NPY, SAFETENSORS, NPZ])
def test_the_volumes_are_those_of_whole_responses(service: Asker, accept: str, coding: str) -> None:
    streamed = service.draw(CLIP, accept=accept, accept_encoding=coding)
    array = streamed.array() if accept == NPY else streamed.tensors()["imgs"]
    halves = []
    for half in (slice(0, 200), slice(200, 400)):
        part = clip_of(POINTS[:, half], pipeline=DRAW)
        halves.append(service.draw(part, accept=accept, accept_encoding=coding))
    expected = [half.array() if accept == NPY else half.tensors()["imgs"] for half in halves]
    np.testing.assert_array_equal(array, np.concatenate(expected))


@pytest.mark.parametrize("coding", sorted(CODINGS))
@pytest.mark.parametrize("accept", [SAFETENSORS, NPZ])
def test_several_clips(service: Asker, accept: str, coding: str) -> None:
    tensors = service.draw(CLIPS, accept=accept, accept_encoding=coding).tensors()
    assert set(tensors) == {clip["frame_dir"] for clip in CLIPS["clips"]}
    for clip in CLIPS["clips"]:
        alone = service.draw({**clip, "pipeline": DRAW}, accept_encoding="zstd").array()
        np.testing.assert_array_equal(tensors[clip["frame_dir"]], alone)


def test_json_is_streamed_too(service: Asker) -> None:
    document = {**CLIP, "keypoint": CLIP["keypoint"][0][:10]}
    answer = service.draw(document, accept=JSON)
    assert "content-length" not in answer.headers
    (clip,) = answer.json()["clips"]
    np.testing.assert_array_equal(np.array(clip["imgs"], np.float32), service.draw(document).array())


@pytest.mark.parametrize(("accept", "coding"), [(NPY, "identity"), (SAFETENSORS, "identity")])
def test_the_length_is_there_where_it_is_known(service: Asker, accept: str, coding: str) -> None:
    answer = service.draw(CLIP, accept=accept, accept_encoding=coding)
    assert int(answer.headers["content-length"]) == len(answer.wire) > MAX_WHOLE_BYTES


def test_a_small_response_is_whole(service: Asker) -> None:
    small = {**CLIP, "keypoint": CLIP["keypoint"][0][:10]}
    answer = service.draw(small, accept_encoding="zstd")
    assert int(answer.headers["content-length"]) == len(answer.wire)
    assert "render;dur" in answer.headers["server-timing"]


def test_a_client_that_does_not_read_stops_the_rendering(serve: Callable[..., Asker], submitted: list[Any]) -> None:
    service = serve()

    async def run() -> None:
        stream = Stream(service, CLIP)
        running = asyncio.create_task(stream.run())
        await stream.take(3)
        await asyncio.sleep(0.2)  # time for all of it
        assert len(submitted) <= 6
        assert 0 < budgets(service)[3] <= 4 << 20
        stream.gone.set()
        while not running.done():
            with pytest.MonkeyPatch.context():
                try:
                    await asyncio.wait_for(stream.messages.get(), 0.05)
                except TimeoutError:
                    break
        await asyncio.wait_for(running, WAIT)

    service.wait(run())
    assert len(submitted) <= 8
    assert budgets(service) == [0, 0, 0, 0]


def test_a_single_clip_is_rendered_while_a_client_reads_a_long_response(serve: Callable[..., Asker]) -> None:
    service = serve(draw_threads=1)
    large = clip_of(POINTS[:, :100], pipeline=DRAW)

    async def run() -> Answer:
        stream = Stream(service, CLIP)
        running = asyncio.create_task(stream.run())
        await stream.take(2)
        other = await service.asking("POST", "/heatmap", json=large, headers={"accept-encoding": "zstd"})
        assert not running.done()
        stream.gone.set()
        while not running.done():
            try:
                await asyncio.wait_for(stream.messages.get(), 0.05)
            except TimeoutError:
                break
        await asyncio.wait_for(running, WAIT)
        return other

    assert service.wait(run()).status == 200
    assert budgets(service) == [0, 0, 0, 0]


def test_a_fault_in_a_tile_ends_the_response_before_its_end(
    serve: Callable[..., Asker], monkeypatch: pytest.MonkeyPatch
) -> None:
    service = serve()
    submit, count = Scheduler.submit, 0

    def fail_later(self: Any, item: Any) -> Any:
        nonlocal count
        count += 1
        future = submit(self, item)
        if count == 4:
            future.cancel()
        return future

    monkeypatch.setattr(Scheduler, "submit", fail_later)

    async def run() -> list[dict[str, Any]]:
        stream = Stream(service, CLIP)
        running = asyncio.create_task(stream.run())
        messages = []
        while not running.done() or not stream.messages.empty():
            try:
                messages.append(await asyncio.wait_for(stream.messages.get(), 0.2))
            except TimeoutError:
                continue
        assert running.done()
        return messages

    messages = service.wait(run())
    assert messages[0]["status"] == 200
    assert all(message.get("more_body", True) for message in messages)
    assert [message["type"] for message in messages].count("http.response.start") == 1
    assert budgets(service) == [0, 0, 0, 0]


def test_a_fault_in_the_first_tile_is_a_500(serve: Callable[..., Asker], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Any, item: Any) -> Any:
        raise ValueError("broken")

    service = serve()
    monkeypatch.setattr(Scheduler, "submit", fail)
    assert service.draw(CLIP).status == 500
    assert budgets(service) == [0, 0, 0, 0]
