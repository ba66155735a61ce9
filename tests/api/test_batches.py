"""Batches behind the door: a device stopped by hand shows what waits, who overtakes whom, and who is refused."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future
from typing import Any

import pytest
from heatsvc.encode.stretch import Stretch
from starlette.types import Message

from heatsvc.encode.codings import EncodedChunk
from heatsvc.encode.devices import CpuDevice
from tests.api.asking import CLIP, HEATMAP, JSON, Answer, Asker
from tests.api.test_service import sample

WIDE = [{"type": "GeneratePoseTarget", "sigma": 200}]


def wide(name: str) -> dict[str, Any]:
    """A request of one clip that is not small: its point reaches over all of a map of a megabyte."""
    return {"keypoint": [[[10.0, 20.0]]], "img_shape": [512, 512], "frame_dir": name, "pipeline": WIDE}


def long(name: str, clips: int) -> dict[str, Any]:
    """A request of many clips of a megabyte each."""
    return {
        "clips": [{"keypoint": [[[10.0, 20.0]]], "frame_dir": f"{name}{place}"} for place in range(clips)],
        "img_shape": [512, 512],
        "pipeline": [{"type": "GeneratePoseTarget"}],
    }


class Gate:
    """Stands before every batch of the CPU's lanes, and writes down what was in it."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.arrived = threading.Semaphore(0)
        self._free = threading.Semaphore(0)

    def let(self, batches: int) -> None:
        """Let so many pass."""
        self._free.release(batches)

    def pass_through(self, tasks: Sequence[Stretch]) -> None:
        self.batches.append([task.drawing.name for task in tasks])
        self.arrived.release()
        assert self._free.acquire(timeout=60)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    made, run = Gate(), CpuDevice.run

    def gated(device: CpuDevice, tasks: Sequence[Stretch]) -> list[list[EncodedChunk] | Exception]:
        made.pass_through(tasks)
        return run(device, tasks)

    monkeypatch.setattr(CpuDevice, "run", gated)
    yield made
    made.let(1000)


def begin(service: Asker, asked: Coroutine[Any, Any, Answer]) -> Future[Answer]:
    return asyncio.run_coroutine_threadsafe(asked, service._loop)


def posting(service: Asker, document: Any, coding: str = "zstd") -> Coroutine[Any, Any, Answer]:
    headers = {"content-type": JSON, "accept-encoding": coding}
    return service.asking("POST", HEATMAP, content=json.dumps(document).encode(), headers=headers)


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.002)


def queue(service: Asker) -> int:
    """Bytes of output that wait."""
    return int(sample(service, "heatsvc_queue_bytes"))


def test_a_single_clip_is_answered_while_a_thousand_are_drawn(serve: Callable[..., Asker], gate: Gate) -> None:
    service = serve(draw_threads=1)
    thousand = begin(service, posting(service, long("a", 1000)))
    assert gate.arrived.acquire(timeout=60)  # its first batch is with the lane
    until(lambda: queue(service) == (1000 - 64) << 20)
    single = begin(service, posting(service, wide("single")))
    until(lambda: queue(service) == (1001 - 64) << 20)
    gate.let(2)
    assert single.result(60).array().shape == (1, 1, 512, 512)
    assert not thousand.done()
    assert "single" not in gate.batches[0]
    assert "single" in gate.batches[1]
    gate.let(100)
    assert set(thousand.result(60).tensors()) == {f"a{place}" for place in range(1000)}
    assert len(gate.batches) > 10


def test_a_small_clip_waits_for_no_lane(serve: Callable[..., Asker], gate: Gate) -> None:
    service = serve(draw_threads=1)
    large = begin(service, posting(service, wide("a")))
    assert gate.arrived.acquire(timeout=60)
    assert service.draw(CLIP).status == 200
    assert not large.done()
    gate.let(1)
    assert large.result(60).status == 200
    assert gate.batches == [["a"]]


def test_what_comes_while_the_lane_works_is_one_batch(serve: Callable[..., Asker], gate: Gate) -> None:
    service = serve(draw_threads=1)
    asked = [begin(service, posting(service, wide("0")))]
    assert gate.arrived.acquire(timeout=60)
    for place in range(1, 9):
        asked.append(begin(service, posting(service, wide(str(place)))))
        until(lambda place=place: queue(service) == place << 20)  # type: ignore[misc]
    gate.let(2)
    assert [each.result(60).status for each in asked] == [200] * 9
    assert gate.batches == [["0"], [str(place) for place in range(1, 9)]]


def test_past_the_queue_requests_are_refused(serve: Callable[..., Asker], gate: Gate) -> None:
    service = serve(draw_threads=1, max_queue_bytes=3 << 20)
    asked = [begin(service, posting(service, wide("0")))]
    assert gate.arrived.acquire(timeout=60)
    for place in range(1, 4):
        asked.append(begin(service, posting(service, wide(str(place)))))
        until(lambda place=place: queue(service) == place << 20)  # type: ignore[misc]
    answer = service.draw(wide("one too many"))
    assert "HEATSVC_MAX_QUEUE_BYTES" in answer.problem(503)["detail"]
    assert int(answer.headers["retry-after"]) > 0
    assert service.draw(CLIP).status == 200  # a small one does not wait, and is not refused
    gate.let(10)
    assert [each.result(60).status for each in asked] == [200] * 4
    assert service.draw(wide("later")).status == 200


def test_a_request_larger_than_the_queue_is_drawn_where_nothing_waits(serve: Callable[..., Asker]) -> None:
    service = serve(draw_threads=1, max_queue_bytes=1)
    assert len(service.draw(long("a", 100), accept_encoding="zstd").tensors()) == 100


class Caller:
    """A client of raw ASGI, which can hang up."""

    def __init__(self, document: Any) -> None:
        self.sent: list[Message] = []
        self._body = json.dumps(document).encode()
        self._gone = asyncio.Event()
        self._read = False

    async def call(self, service: Asker) -> None:
        scope = {
            "type": "http",
            "method": "POST",
            "path": HEATMAP,
            "query_string": b"",
            "headers": [(b"content-type", JSON.encode())],
        }
        await service.app(scope, self._receive, self._send)

    async def hang_up(self) -> None:
        self._gone.set()

    async def _receive(self) -> Message:
        if not self._read:
            self._read = True
            return {"type": "http.request", "body": self._body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)


def test_hanging_up_takes_waiting_work_out_of_the_queue(serve: Callable[..., Asker], gate: Gate) -> None:
    service = serve(draw_threads=1)
    first = begin(service, posting(service, wide("first")))
    assert gate.arrived.acquire(timeout=60)
    caller = Caller(long("gone", 200))
    call = asyncio.run_coroutine_threadsafe(caller.call(service), service._loop)
    until(lambda: queue(service) == 200 << 20)
    service.wait(caller.hang_up())
    call.result(60)
    assert caller.sent == []
    assert queue(service) == 0
    assert sample(service, "heatsvc_requests_total", method="POST", route="/heatmap", status="499") == 1
    gate.let(1)
    assert first.result(60).status == 200
    assert service.draw(CLIP).status == 200
    assert gate.batches == [["first"]]


def test_what_waits_for_too_long_is_taken_out_of_the_queue(serve: Callable[..., Asker], gate: Gate) -> None:
    service = serve(draw_threads=1, request_seconds=0.5)
    first = begin(service, posting(service, wide("first")))
    assert gate.arrived.acquire(timeout=60)
    answer = service.draw(long("late", 100))
    assert "HEATSVC_REQUEST_SECONDS" in answer.problem(503)["detail"]
    assert first.result(60).status == 503
    assert queue(service) == 0
    gate.let(1)
    until(lambda: sample(service, "heatsvc_batch_tasks_count", device="cpu") == 1)
    assert gate.batches == [["first"]]


def test_a_batch_given_to_a_lane_in_the_moment_of_stopping_is_done(serve: Callable[..., Asker]) -> None:
    service = serve(draw_threads=1)
    service.app.state.service.lanes._pool.shutdown()
    assert service.draw(wide("a")).status == 200


def test_batches_are_counted(serve: Callable[..., Asker]) -> None:
    service = serve(draw_threads=1)
    assert service.draw(CLIP).status == 200
    assert service.draw(wide("a")).status == 200
    until(lambda: sample(service, "heatsvc_batch_wait_seconds_count") == 2)
    for name, total in (("heatsvc_batch_tasks", 2), ("heatsvc_batch_bytes", (1 << 20) + 3 * 64 * 64 * 4)):
        assert sample(service, f"{name}_count", device="cpu") == 2
        assert sample(service, f"{name}_sum", device="cpu") == total
    assert sample(service, "heatsvc_device_seconds_count", device="cpu") == 2
    assert sample(service, "heatsvc_device_seconds_sum", device="cpu") > 0
    assert sample(service, "heatsvc_batch_tasks_bucket", device="cpu", le="1") == 2
