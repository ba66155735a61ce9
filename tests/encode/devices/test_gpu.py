"""The GPU's device: which batches it is given, and what happens when it fails, with a fake encoder that fails."""

from __future__ import annotations

import gc
import math
import weakref
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch

from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.cancel import CancelledError
from heatsvc.encode.codings import CODINGS, ZSTD, EncodedChunk
from heatsvc.encode.devices import GpuDevice
from heatsvc.encode.formats import FORMATS
from heatsvc.encode.job import PlannedVolume, RenderJob
from heatsvc.errors import LimitError
from heatsvc.render.array import render_array
from heatsvc.render.scheduler import BatchReport, Scheduler
from tests.encode.cuda.decoding import decoded
from tests.encode.devices.fake_encoder import FakeEncoder, cancelled_item, decoded_on_cpu, work_item

FOUR = [work_item(name) for name in "abcd"]


class Fallbacks:
    """The calls of `on_fallback`."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []

    def __call__(self, reason: str, why: str) -> None:
        self.calls.append((reason, why))


def device(encoder: FakeEncoder, fallbacks: Fallbacks | None = None, bounds: Bounds = DEFAULT_BOUNDS) -> GpuDevice:
    return GpuDevice("cpu", bounds, encoder=encoder, min_batch_bytes=7, on_fallback=fallbacks or Fallbacks())


def arrays(results: Sequence[Sequence[EncodedChunk] | Exception | None], coding: str = "zstd") -> list[bytes]:
    assert all(isinstance(result, list) for result in results)
    return [decoded(result, coding) for result in results]  # type: ignore[arg-type]


def raising(error: Exception, when: Callable[[Sequence[PlannedVolume]], bool] = lambda _: True) -> FakeEncoder:
    def fail(volumes: Sequence[PlannedVolume]) -> None:
        if when(volumes):
            raise error

    return FakeEncoder(fail)


def test_a_batch_is_coded_at_once() -> None:
    encoder = FakeEncoder()
    assert arrays(device(encoder).run(FOUR)) == decoded_on_cpu(FOUR)
    assert encoder.batches == [["a", "b", "c", "d"]]


def test_a_batch_is_grouped_by_coding() -> None:
    encoder = FakeEncoder()
    mixed = [work_item("a"), work_item("b", "deflate"), work_item("c", dtype="uint8"), work_item("d", "deflate")]
    results = device(encoder).run(mixed)
    assert arrays(results[::2]) + arrays(results[1::2], "deflate") == decoded_on_cpu(mixed[::2] + mixed[1::2])
    assert (encoder.batches, encoder.codings) == ([["a", "c"], ["b", "d"]], ["zstd", "deflate"])


@pytest.mark.parametrize(("coding", "taken"), [("zstd", True), ("deflate", True), ("gzip", False), ("identity", False)])
def test_it_takes_what_is_coded_there(coding: str, taken: bool) -> None:
    assert device(FakeEncoder()).takes(work_item("a", coding)) == taken


@pytest.mark.parametrize(("compression", "taken"), [("fast", True), ("small", False)])
def test_it_writes_zstd_fast(compression: str, taken: bool) -> None:
    item = work_item("a", ZSTD[compression])
    assert device(FakeEncoder()).takes(item) == taken


def test_cancelled_work_is_not_coded() -> None:
    encoder = FakeEncoder()
    first, gone, last = device(encoder).run([FOUR[0], cancelled_item(), FOUR[1]])
    assert isinstance(gone, CancelledError)
    assert arrays([first, last]) == decoded_on_cpu(FOUR[:2])
    assert encoder.batches == [["a", "b"]]


@pytest.mark.parametrize("lost", [False, True])
def test_what_ended_one_keeps_nothing_of_the_others(lost: bool) -> None:
    """By reference counts alone: the service's collector comes by but rarely."""
    gone = cancelled_item()

    def lose(volumes: Sequence[PlannedVolume]) -> None:
        raise RuntimeError("illegal memory access")

    on = device(FakeEncoder(lose) if lost else FakeEncoder())
    gc.collect()
    gc.disable()
    try:
        results = on.run([FOUR[0], gone])
        assert isinstance(results[1], CancelledError)
        assert (results[0] is None) == lost
        kept = weakref.ref(results[1])
        del results
        assert kept() is None
    finally:
        gc.enable()


def test_the_time_is_shared_out_by_size() -> None:
    items = [work_item("a"), work_item("b", dtype="uint8")]
    device(FakeEncoder()).run(items)
    ((draw, _),), ((smaller, _),) = (item.stage_seconds for item in items)
    assert draw == pytest.approx(4 * smaller)
    assert smaller > 0


def test_requests_are_bounded_one_by_one_and_their_batch_by_its_budget() -> None:
    tight = Bounds(max_volume_bytes=FOUR[0].decoded_bytes)
    assert arrays(device(FakeEncoder(), bounds=tight).run(FOUR)) == decoded_on_cpu(FOUR)


@pytest.mark.parametrize("coding", ["zstd", "deflate"])
def test_the_coder_of_batches_codes_here_too(coding: str) -> None:
    """Not a fake: torch's own operations on the CPU."""
    gpu = GpuDevice("cpu", DEFAULT_BOUNDS)
    items = [work_item(name, coding) for name in "ab"]
    assert all(map(gpu.takes, items))
    results = gpu.run(items)
    assert gpu.failure is None
    for item, result in zip(items, results, strict=True):
        assert isinstance(result, list)
        values = np.frombuffer(decoded(result, coding), np.float32).reshape(item.tiles[0][0].shape)
        np.testing.assert_allclose(values, render_array(item.tiles[0][0].volume), atol=2e-6)


TOO_MUCH = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."),
    RuntimeError("CUDA error: out of memory"),
    LimitError("9 bytes are too many", bound="max_volume_bytes", limit=8, got=9),
]


@pytest.mark.parametrize("error", TOO_MUCH, ids=lambda error: type(error).__name__)
def test_what_does_not_fit_is_halved(error: Exception) -> None:
    encoder, fallbacks = raising(error, lambda volumes: len(volumes) > 2), Fallbacks()
    gpu = device(encoder, fallbacks)
    five = [*FOUR, work_item("e")]
    assert arrays(gpu.run(five)) == decoded_on_cpu(five)
    assert [len(batch) for batch in encoder.batches] == [5, 2, 3, 1, 2]
    assert (gpu.failure, gpu.min_batch_bytes, fallbacks.calls) == (None, 7, [])


@pytest.mark.parametrize("error", TOO_MUCH, ids=lambda error: type(error).__name__)
def test_what_does_not_fit_alone_is_left_to_the_cpu(error: Exception) -> None:
    encoder, fallbacks = raising(error, lambda volumes: any(planned.name == "c" for planned in volumes)), Fallbacks()
    gpu = device(encoder, fallbacks)
    first, second, left, last = gpu.run(FOUR)
    assert left is None
    assert arrays([first, second, last]) == decoded_on_cpu([*FOUR[:2], FOUR[3]])
    assert encoder.batches == [["a", "b", "c", "d"], ["a", "b"], ["c", "d"], ["c"], ["d"]]
    assert [reason for reason, _ in fallbacks.calls] == ["memory"]
    assert gpu.takes(FOUR[2])


DEAD = [
    RuntimeError("CUDA error: device-side assert triggered\nCUDA kernel errors might be ..."),
    RuntimeError("CUDA error: unspecified launch failure"),
    OSError("libcuda.so.1: cannot open shared object file"),
    ValueError("something that should not be"),
]


@pytest.mark.parametrize("error", DEAD, ids=str)
def test_after_any_other_error_all_is_left_to_the_cpu_for_good(error: Exception) -> None:
    encoder, fallbacks = raising(error), Fallbacks()
    gpu = device(encoder, fallbacks)
    assert list(gpu.run(FOUR)) == [None] * 4
    assert list(gpu.run(FOUR[:2])) == [None] * 2
    assert encoder.batches == [["a", "b", "c", "d"]]  # it is not used again
    assert fallbacks.calls == [("lost", gpu.failure)]
    assert str(error).splitlines()[0] in str(gpu.failure)
    assert gpu.min_batch_bytes == math.inf
    assert not gpu.takes(FOUR[0])


def test_a_gpu_lost_over_one_group_leaves_that_and_those_after_it() -> None:
    encoder = raising(RuntimeError("unspecified launch failure"), lambda volumes: volumes[0].name == "b")
    mixed = [work_item("a"), work_item("b", "deflate"), work_item("c"), work_item("d", "deflate")]
    first, second, third, fourth = device(encoder).run(mixed)
    assert (second, fourth) == (None, None)
    assert arrays([first, third]) == decoded_on_cpu([mixed[0], mixed[2]])
    assert encoder.batches == [["a", "c"], ["b", "d"]]
    encoder.batches.clear()
    assert device(encoder).run(mixed[1:]) == [None] * 3
    assert encoder.batches == [["b", "d"]]


@pytest.mark.parametrize("error", [TOO_MUCH[0], DEAD[0]], ids=["memory", "lost"])
def test_cpu_workers_do_what_it_declines(error: Exception) -> None:
    reports: list[BatchReport] = []
    scheduler = Scheduler(2, device(raising(error)), reports.append)
    futures = [scheduler.submit(item) for item in FOUR]
    assert arrays([future.result(60) for future in futures]) == decoded_on_cpu(FOUR)
    scheduler.stop()
    assert sum(report.items for report in reports if report.device == "cpu") == len(FOUR)


def test_responses_of_several_requests_do_not_keep_one_buffer() -> None:
    """A slow client would otherwise keep what was made for all."""

    class OneBuffer(FakeEncoder):
        def encode_batch(self, volumes: Sequence[PlannedVolume], *rest: object, **bounds: object) -> list[EncodedChunk]:
            buffer = memoryview(bytes(len(volumes)))
            return [EncodedChunk(buffer[place : place + 1], planned.nbytes) for place, planned in enumerate(volumes)]

    planned = [item.tiles[0][0] for item in FOUR[:2]]
    format = FORMATS["application/vnd.safetensors"]
    for several, kind in ((True, bytes), (False, memoryview)):
        items = FOUR[:2]
        if not several:
            job = RenderJob(format.writer(planned, CODINGS["zstd"], DEFAULT_BOUNDS), whole_volumes=True)
            items = job.items
        for result in device(OneBuffer()).run(items):
            assert isinstance(result, list)
            assert all(isinstance(chunk.data, kind) for chunk in result)
