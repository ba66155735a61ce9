"""The GPU's device: which batches it is given, and what is done when it says no, by a stand-in that says no."""

from __future__ import annotations

import gc
import math
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from heatsvc.encode.drawing import Drawing
from heatsvc.encode.errand import Errand
from heatsvc.encode.stretch import Stretch

from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.cancel import CancelledError
from heatsvc.encode.codings import ZSTD, EncodedChunk
from heatsvc.encode.devices import CpuDevice, GpuDevice
from heatsvc.errors import LimitError
from heatsvc.render.array import render_array
from heatsvc.render.scheduler import Batcher, Ran, Step
from tests.encode.cuda.decoding import decoded
from tests.encode.devices.coders import StandIn, cancelled_stretch, coded, stretch, wide_stretch

FOUR = [stretch(name) for name in "abcd"]


class Falls:
    """What the device told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def __call__(self, reason: str, why: str) -> None:
        self.told.append((reason, why))


def device(coder: StandIn, falls: Falls | None = None, bounds: Bounds = DEFAULT_BOUNDS) -> GpuDevice:
    return GpuDevice("cpu", bounds, coder=coder, least=7, fell=falls or Falls())


def data(outcomes: Sequence[Sequence[EncodedChunk] | Exception | None]) -> list[list[bytes]]:
    assert not any(isinstance(outcome, Exception | None) for outcome in outcomes)
    return [[bytes(chunk.data) for chunk in outcome] for outcome in outcomes]  # type: ignore[union-attr]


def raising(error: Exception, when: Callable[[Sequence[Drawing]], bool] = lambda _: True) -> StandIn:
    def trouble(drawings: Sequence[Drawing]) -> None:
        if when(drawings):
            raise error

    return StandIn(trouble)


def test_a_batch_is_coded_at_once() -> None:
    coder = StandIn()
    assert data(device(coder).run(FOUR)) == coded(FOUR)
    assert coder.batches == [["a", "b", "c", "d"]]


def test_a_batch_is_grouped_by_coding() -> None:
    coder = StandIn()
    mixed = [stretch("a"), stretch("b", "deflate"), stretch("c", dtype="uint8"), stretch("d", "deflate")]
    assert data(device(coder).run(mixed)) == coded(mixed)
    assert (coder.batches, coder.codings) == ([["a", "c"], ["b", "d"]], ["zstd", "deflate"])


@pytest.mark.parametrize(("coding", "taken"), [("zstd", True), ("deflate", True), ("gzip", False), ("identity", False)])
def test_it_takes_what_is_coded_there(coding: str, taken: bool) -> None:
    assert device(StandIn()).takes(stretch("a", coding)) == taken


@pytest.mark.parametrize(("compression", "taken"), [("fast", True), ("small", False)])
def test_it_writes_zstd_fast(compression: str, taken: bool) -> None:
    task = replace(stretch("a"), coding=ZSTD[compression])
    assert device(StandIn()).takes(task) == taken


def test_cancelled_work_is_not_coded() -> None:
    coder = StandIn()
    first, gone, last = device(coder).run([FOUR[0], cancelled_stretch(), FOUR[1]])
    assert isinstance(gone, CancelledError)
    assert data([first, last]) == coded(FOUR[:2])
    assert coder.batches == [["a", "b"]]


@pytest.mark.parametrize("lost", [False, True])
def test_what_ended_one_keeps_nothing_of_the_others(lost: bool) -> None:
    """By reference counts alone: the service's collector comes by but rarely."""
    gone = cancelled_stretch()
    on = device(raising(RuntimeError("illegal memory access")) if lost else StandIn())
    gc.collect()
    gc.disable()
    try:
        outcomes = on.run([FOUR[0], gone])
        assert isinstance(outcomes[1], CancelledError)
        assert (outcomes[0] is None) == lost
        kept = weakref.ref(outcomes[1])
        del outcomes
        assert kept() is None
    finally:
        gc.enable()


def test_the_time_is_shared_out_by_size() -> None:
    tasks = [stretch("a"), stretch("b", dtype="uint8")]
    device(StandIn()).run(tasks)
    (draw, _), (smaller, _) = (task.errand.seconds for task in tasks)
    assert draw == pytest.approx(4 * smaller)
    assert smaller > 0


def test_requests_are_bounded_one_by_one_and_their_batch_by_its_budget() -> None:
    tight = Bounds(max_volume_bytes=FOUR[0].cost)
    assert data(device(StandIn(), bounds=tight).run(FOUR)) == coded(FOUR)


@pytest.mark.parametrize("coding", ["zstd", "deflate"])
def test_the_coder_of_batches_codes_here_too(coding: str) -> None:
    """Not a stand-in: torch's own operations on the CPU."""
    gpu = GpuDevice("cpu", DEFAULT_BOUNDS)
    tasks = [stretch(name, coding) for name in "ab"]
    assert all(map(gpu.takes, tasks))
    outcomes = gpu.run(tasks)
    assert gpu.failure is None
    for task, outcome in zip(tasks, outcomes, strict=True):
        assert isinstance(outcome, list)
        values = np.frombuffer(decoded(outcome, coding), np.float32).reshape(task.drawing.shape)
        np.testing.assert_allclose(values, render_array(task.drawing.volume), atol=2e-6)


TOO_MUCH = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."),
    RuntimeError("CUDA error: out of memory"),
    LimitError("9 bytes are too many", setting="HEATSVC_MAX_VOLUME_BYTES", limit=8, got=9),
]


@pytest.mark.parametrize("error", TOO_MUCH, ids=lambda error: type(error).__name__)
def test_what_does_not_fit_is_halved(error: Exception) -> None:
    coder, falls = raising(error, lambda drawings: len(drawings) > 2), Falls()
    gpu = device(coder, falls)
    five = [*FOUR, stretch("e")]
    assert data(gpu.run(five)) == coded(five)
    assert [len(batch) for batch in coder.batches] == [5, 2, 3, 1, 2]
    assert (gpu.failure, gpu.least, falls.told) == (None, 7, [])


@pytest.mark.parametrize("error", TOO_MUCH, ids=lambda error: type(error).__name__)
def test_what_does_not_fit_alone_is_left_to_the_cpu(error: Exception) -> None:
    coder, falls = raising(error, lambda drawings: any(drawing.name == "c" for drawing in drawings)), Falls()
    gpu = device(coder, falls)
    first, second, left, last = gpu.run(FOUR)
    assert left is None
    assert data([first, second, last]) == coded([*FOUR[:2], FOUR[3]])
    assert coder.batches == [["a", "b", "c", "d"], ["a", "b"], ["c", "d"], ["c"], ["d"]]
    assert [reason for reason, _ in falls.told] == ["memory"]
    assert gpu.takes(FOUR[2])


DEAD = [
    RuntimeError("CUDA error: device-side assert triggered\nCUDA kernel errors might be ..."),
    RuntimeError("CUDA error: unspecified launch failure"),
    OSError("libcuda.so.1: cannot open shared object file"),
    ValueError("something that should not be"),
]


@pytest.mark.parametrize("error", DEAD, ids=str)
def test_after_any_other_error_all_is_left_to_the_cpu_for_good(error: Exception) -> None:
    coder, falls = raising(error), Falls()
    gpu = device(coder, falls)
    assert list(gpu.run(FOUR)) == [None] * 4
    assert list(gpu.run(FOUR[:2])) == [None] * 2
    assert coder.batches == [["a", "b", "c", "d"]]  # it is not asked again
    assert falls.told == [("lost", gpu.failure)]
    assert str(error).splitlines()[0] in str(gpu.failure)
    assert gpu.least == math.inf
    assert not gpu.takes(FOUR[0])


def test_a_gpu_lost_over_one_group_leaves_that_and_those_after_it() -> None:
    coder = raising(RuntimeError("unspecified launch failure"), lambda drawings: drawings[0].name == "b")
    mixed = [stretch("a"), stretch("b", "deflate"), stretch("c"), stretch("d", "deflate")]
    first, second, third, fourth = device(coder).run(mixed)
    assert (second, fourth) == (None, None)
    assert data([first, third]) == coded([mixed[0], mixed[2]])
    assert coder.batches == [["a", "c"], ["b", "d"]]
    coder.batches.clear()
    assert device(coder).run(mixed[1:]) == [None] * 3
    assert coder.batches == [["b", "d"]]


@pytest.mark.parametrize("error", [TOO_MUCH[0], DEAD[0]], ids=["memory", "lost"])
def test_lanes_of_the_cpu_share_what_it_leaves(error: Exception) -> None:
    """Each tile of a large clip is a task of its own."""
    large = wide_stretch("large", 33)
    assert len(large.tiles) == 3
    steps: list[Step] = []
    told: list[Ran] = []
    devices = (device(raising(error)), CpuDevice(3, budget=1))
    batcher: Batcher[Stretch, EncodedChunk] = Batcher(devices, steps.append, 1 << 40, told.append)
    future = batcher.submit([large], list)
    assert not steps.pop()()
    assert len(steps) == 3
    assert [step() for step in steps] == [False] * 3
    assert [(ran.device, ran.tasks) for ran in told] == [("cpu", 0), *[("cpu", 1)] * 3]
    assert data(future.result(0)) == coded([large])


def test_answers_of_several_requests_do_not_keep_one_buffer() -> None:
    """A slow client would otherwise keep what was made for all."""

    class OneBuffer(StandIn):
        def code_batch(self, drawings: Sequence[Drawing], *rest: object, **bounds: object) -> list[EncodedChunk]:
            buffer = memoryview(bytes(len(drawings)))
            return [EncodedChunk(buffer[place : place + 1], drawing.nbytes) for place, drawing in enumerate(drawings)]

    for several, kind in ((True, bytes), (False, memoryview)):
        errand = Errand()
        tasks = [stretch(name, errand=None if several else errand) for name in "ab"]
        for outcome in device(OneBuffer()).run(tasks):
            assert isinstance(outcome, list)
            assert isinstance(outcome[0].data, kind)
