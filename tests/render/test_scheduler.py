"""The batcher, specified: lanes are stepped by hand, so that what is in which batch is told exactly."""

from __future__ import annotations

import gc
import math
import threading
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatsvc.render.scheduler import Batcher, FullError, Ran, Step

SPACE = 10**9


@dataclass(frozen=True)
class Job:
    """A task by name; its parts are named by their number."""

    name: str
    cost: int = 1
    pieces: int = 1
    wide: bool = True

    @property
    def parts(self) -> Sequence[Job]:
        if self.pieces == 1:
            return (self,)
        return [Job(f"{self.name}.{part}", self.cost // self.pieces) for part in range(self.pieces)]


@dataclass
class Writer:
    """A device that writes down its batches; a task called `bad...` goes wrong.

    Attributes:
        leaves: how names begin of tasks that it leaves to the devices behind it; None: it leaves none.
        lost_in: its batch in which it is lost, and from which on it leaves everything.
        left: names of tasks that it left.
    """

    name: str = "cpu"
    lanes: int = 1
    budget: int = 4
    cuts: bool = True
    least: float = 0
    leaves: str | None = None
    lost_in: float = math.inf
    batches: list[list[str]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def takes(self, task: Job) -> bool:
        return task.wide

    def run(self, tasks: Sequence[Job]) -> list[list[str] | Exception | None]:
        if len(self.batches) >= self.lost_in:
            self.leaves, self.least = "", math.inf
        self.batches.append([task.name for task in tasks])
        return [self._outcome(task.name) for task in tasks]

    def _outcome(self, name: str) -> list[str] | Exception | None:
        if self.leaves is not None and name.startswith(self.leaves):
            self.left.append(name)
            return None
        return KeyError(name) if name.startswith("bad") else [name]


class ByHand:
    """A batcher whose lanes go on when they are told to."""

    def __init__(self, *devices: Writer, limit: int = SPACE) -> None:
        self.steps: list[Step] = []
        self.told: list[Ran] = []
        self.batcher: Batcher[Job, str] = Batcher(devices, self.steps.append, limit, self.told.append)

    def submit(self, *jobs: Job) -> Future[list[str]]:
        return self.batcher.submit(jobs, lambda results: [each for result in results for each in result])

    def many(self, name: str, count: int, cost: int = 1) -> Future[list[str]]:
        return self.submit(*(Job(f"{name}{place}", cost) for place in range(count)))

    def step(self, lane: int = 0) -> None:
        """Have one of the lanes that work, the first started first, do its batch."""
        step = self.steps.pop(lane)
        if step():
            self.steps.insert(lane, step)

    def finish(self) -> None:
        while self.steps:
            self.step()


def test_what_finds_a_lane_idle_goes_at_once() -> None:
    cpu = Writer()
    hand = ByHand(cpu)
    future = hand.submit(Job("a"))
    assert len(hand.steps) == 1
    hand.step()
    assert (future.result(0), cpu.batches) == (["a"], [["a"]])


def test_no_tasks_are_done_at_once() -> None:
    cpu = Writer()
    hand = ByHand(cpu, limit=1)
    assert hand.submit().result(0) == []
    hand.submit(Job("a"))
    hand.submit(Job("b", 5))
    assert hand.submit().result(0) == []  # though there is no room in the queue
    with pytest.raises(ZeroDivisionError):
        hand.batcher.submit([], lambda _: 1 / 0).result(0)
    hand.finish()
    assert cpu.batches == [["a"], ["b"]]


def test_what_comes_while_the_lane_works_is_the_next_batch() -> None:
    cpu = Writer()
    hand = ByHand(cpu)
    hand.submit(Job("a"))
    for name in "bcd":
        hand.submit(Job(name))
    assert len(hand.steps) == 1
    hand.finish()
    assert cpu.batches == [["a"], ["b", "c", "d"]]


def test_a_batch_has_no_more_than_the_budget() -> None:
    cpu = Writer(budget=5)
    hand = ByHand(cpu)
    hand.many("a", 4, cost=2)
    hand.finish()
    assert cpu.batches == [["a0", "a1"], ["a2", "a3"]]


def test_a_batch_has_one_task_however_large() -> None:
    cpu = Writer(budget=5)
    hand = ByHand(cpu)
    hand.submit(Job("small"), Job("large", 50), Job("next"))
    hand.finish()
    assert cpu.batches == [["small"], ["large"], ["next"]]


def test_owners_take_turns_task_by_task() -> None:
    cpu = Writer(budget=4)
    hand = ByHand(cpu)
    hand.submit(Job("first"))
    hand.many("a", 5)
    hand.many("b", 2)
    hand.submit(Job("c"))
    hand.finish()
    assert cpu.batches == [["first"], ["a0", "b0", "c", "a1"], ["b1", "a2", "a3", "a4"]]


def test_a_single_clip_is_in_the_next_batch_after_a_thousand() -> None:
    cpu = Writer(budget=5)
    hand = ByHand(cpu)
    thousand = hand.many("a", 1000)
    hand.step()
    for name in "xyz":
        single = hand.submit(Job(name))
        hand.step()
        assert not single.done()  # the batch that was given to the lane before it came
        hand.step()
        assert single.result(0) == [name]
    assert not thousand.done()
    hand.finish()
    assert thousand.result(0) == [f"a{place}" for place in range(1000)]
    assert len(cpu.batches) == math.ceil(1003 / 5)


def test_several_large_ones_and_a_single_one_share_each_batch() -> None:
    cpu = Writer(budget=4)
    hand = ByHand(cpu)
    hand.many("a", 100)
    hand.many("b", 100)
    hand.step()
    single = hand.submit(Job("x"))
    hand.step()
    hand.step()
    assert single.result(0) == ["x"]
    assert {name[0] for name in cpu.batches[-1]} == {"a", "b", "x"}


def test_idle_lanes_share_what_comes() -> None:
    cpu = Writer(lanes=3, budget=100)
    hand = ByHand(cpu)
    hand.many("a", 6)
    assert len(hand.steps) == 3
    hand.finish()
    assert sorted(map(len, cpu.batches)) == [2, 2, 2]


def test_a_large_task_is_cut_among_lanes_and_put_together_in_order() -> None:
    cpu = Writer(lanes=2, budget=4)
    hand = ByHand(cpu)
    future = hand.submit(Job("a", 1), Job("b", 6, pieces=3), Job("c", 1))
    while hand.steps:
        hand.step(-1)
    assert future.result(0) == ["a", "b.0", "b.1", "b.2", "c"]


def test_a_device_that_does_not_cut_is_given_tasks_as_they_are() -> None:
    gpu, cpu = Writer("gpu", cuts=False, budget=100), Writer()
    hand = ByHand(gpu, cpu)
    future = hand.submit(Job("a", 6, pieces=3), Job("b"))
    hand.finish()
    assert (gpu.batches, cpu.batches) == ([["a", "b"]], [])
    assert future.result(0) == ["a", "b"]


def test_what_one_device_does_not_take_another_does() -> None:
    gpu, cpu = Writer("gpu", cuts=False), Writer()
    hand = ByHand(gpu, cpu)
    future = hand.submit(Job("a"), Job("odd", wide=False), Job("c"))
    hand.finish()
    assert (gpu.batches, cpu.batches) == ([["a", "c"]], [["odd"]])
    assert future.result(0) == ["a", "odd", "c"]


def test_a_batch_too_small_for_a_device_goes_to_the_next_one_at_once() -> None:
    gpu, cpu = Writer("gpu", cuts=False, least=4, budget=100), Writer()
    hand = ByHand(gpu, cpu)
    hand.many("a", 3)
    hand.many("b", 4)
    hand.finish()
    assert (gpu.batches, cpu.batches) == ([["b0", "b1", "b2", "b3"]], [["a0", "a1", "a2"]])


def test_what_adds_up_while_all_work_is_for_the_device_that_is_better_at_much() -> None:
    gpu, cpu = Writer("gpu", cuts=False, least=4, budget=100), Writer(budget=100)
    hand = ByHand(gpu, cpu)
    hand.many("a", 8)  # the GPU works
    hand.submit(Job("b"))  # the CPU too
    for name in "wxyz":
        hand.submit(Job(name))
    hand.step(1)  # the CPU is free, and leaves them
    assert len(hand.steps) == 1
    hand.finish()
    assert (gpu.batches[1:], cpu.batches) == ([["w", "x", "y", "z"]], [["b"]])


def test_what_is_left_over_by_a_cancelled_owner_goes_to_the_next_device() -> None:
    gpu, cpu = Writer("gpu", cuts=False, least=4, budget=100), Writer(budget=100)
    hand = ByHand(gpu, cpu)
    hand.many("a", 8)
    gone = hand.many("b", 4)
    hand.submit(Job("c"))
    gone.cancel()
    assert len(hand.steps) == 2
    hand.finish()
    assert cpu.batches == [["c"]]


def test_a_device_out_of_use_leaves_all_to_the_next_one() -> None:
    gpu, cpu = Writer("gpu", cuts=False, budget=2), Writer(budget=2)
    hand = ByHand(gpu, cpu)
    future = hand.many("a", 7)
    gpu.least = math.inf  # as it finds out in its first batch
    hand.finish()
    assert gpu.batches == [["a0", "a1"]]
    assert [len(batch) for batch in cpu.batches] == [2, 2, 1]
    assert future.result(0) == [f"a{place}" for place in range(7)]


def gpu_that_leaves(what: str = "heavy", budget: int = 100) -> Writer:
    return Writer("gpu", cuts=False, budget=budget, leaves=what)


def test_what_a_device_leaves_the_next_one_does() -> None:
    gpu, cpu = gpu_that_leaves(), Writer()
    hand = ByHand(gpu, cpu)
    future = hand.submit(Job("a"), Job("heavy"), Job("c"))
    hand.step()
    assert (len(hand.steps), hand.batcher.waiting) == (1, 0)
    hand.finish()
    assert (gpu.batches, cpu.batches) == ([["a", "heavy", "c"]], [["heavy"]])
    assert future.result(0) == ["a", "heavy", "c"]


def test_what_a_device_leaves_is_cut_among_all_lanes_of_the_next_one() -> None:
    gpu, cpu = gpu_that_leaves(), Writer(lanes=3)
    hand = ByHand(gpu, cpu)
    future = hand.submit(Job("a"), Job("heavy", 6, pieces=3))
    hand.step()
    assert len(hand.steps) == 3
    while hand.steps:
        hand.step(-1)
    assert sorted(cpu.batches) == [["heavy.0"], ["heavy.1"], ["heavy.2"]]
    assert future.result(0) == ["a", "heavy.0", "heavy.1", "heavy.2"]


def test_the_lanes_of_the_next_device_go_before_those_are_told_that_are_done() -> None:
    """To put a large answer together takes a while."""
    hand = ByHand(gpu_that_leaves(), Writer(lanes=2))
    seen: list[int] = []
    hand.submit(Job("plug"))
    hand.batcher.submit([Job("a")], lambda _: seen.append(len(hand.steps)))
    hand.submit(Job("heavy0"), Job("heavy1"))
    hand.step()
    hand.step()
    assert seen == [2]


def test_a_device_lost_in_a_batch_leaves_all_of_it_to_all_lanes_of_the_next_one() -> None:
    gpu, cpu = Writer("gpu", cuts=False, budget=4, lost_in=1), Writer(lanes=2, budget=2)
    hand = ByHand(gpu, cpu)
    future = hand.many("a", 9)
    hand.step()
    hand.step()
    assert len(hand.steps) == 2
    hand.finish()
    assert gpu.batches == [["a0", "a1", "a2", "a3"], ["a4", "a5", "a6", "a7"]]
    assert sorted(cpu.batches) == [["a4", "a5"], ["a6", "a7"], ["a8"]]
    assert future.result(0) == [f"a{place}" for place in range(9)]


def test_what_is_left_stands_before_what_its_owner_has_for_the_next_device() -> None:
    gpu, cpu = gpu_that_leaves(), Writer(budget=10)
    hand = ByHand(gpu, cpu)
    hand.submit(Job("plug", wide=False))  # the next device works
    future = hand.submit(Job("heavy0"), Job("odd", wide=False), Job("heavy1"))
    hand.step(1)
    hand.finish()
    assert cpu.batches == [["plug"], ["heavy0", "heavy1", "odd"]]
    assert future.result(0) == ["heavy0", "odd", "heavy1"]


def test_whose_only_task_is_left_has_the_next_turn() -> None:
    gpu, cpu = gpu_that_leaves(), Writer(budget=3)
    hand = ByHand(gpu, cpu)
    hand.submit(Job("plug", wide=False))
    hand.submit(Job("heavy"))
    hand.submit(*(Job(f"a{place}", wide=False) for place in range(3)))
    hand.step(1)
    assert hand.batcher.waiting == 4
    hand.finish()
    assert cpu.batches == [["plug"], ["heavy", "a0", "a1"], ["a2"]]


def test_who_waits_for_a_turn_has_no_other_for_what_is_left() -> None:
    gpu, cpu = gpu_that_leaves(), Writer(budget=3)
    hand = ByHand(gpu, cpu)
    hand.submit(Job("plug", wide=False))
    one = hand.submit(Job("heavy"))
    hand.submit(*(Job(f"a{place}", wide=False) for place in range(5)))
    hand.submit(Job("b", wide=False), Job("heavy b"))
    hand.step(1)
    hand.step(1)
    assert hand.batcher.waiting == 8
    hand.finish()
    assert gpu.batches == [["heavy"], ["heavy b"]]
    assert cpu.batches == [["plug"], ["heavy", "a0", "heavy b"], ["a1", "b", "a2"], ["a3", "a4"]]
    assert one.result(0) == ["heavy"]


def test_each_device_may_leave_it_to_the_next_one() -> None:
    devices = [gpu_that_leaves("heav"), gpu_that_leaves("heavy"), Writer()]
    hand = ByHand(*devices)
    future = hand.submit(Job("heavy"), Job("heav"), Job("a"))
    hand.finish()
    assert [device.batches for device in devices] == [[["heavy", "heav", "a"]], [["heavy", "heav"]], [["heavy"]]]
    assert future.result(0) == ["heavy", "heav", "a"]


def test_the_last_device_may_leave_nothing() -> None:
    cpu = Writer(leaves="heavy")
    hand = ByHand(Writer("gpu", cuts=False, leaves=""), cpu)
    wrong, right = hand.submit(Job("heavy"), Job("a")), hand.submit(Job("b"))
    hand.finish()
    with pytest.raises(RuntimeError, match="cpu left a task, and there is no device behind it"):
        wrong.result(0)
    assert right.result(0) == ["b"]
    assert (hand.batcher.waiting, hand.batcher.is_idle(0), hand.batcher.is_idle(1)) == (0, True, True)


def test_what_is_left_is_done_for_nobody_who_has_gone() -> None:
    gpu, cpu = gpu_that_leaves(), Writer()
    hand = ByHand(gpu, cpu)
    gone = hand.submit(Job("heavy0"), Job("a"))
    gone.cancel()
    hand.finish()
    wrong = hand.submit(Job("heavy1"), Job("bad"), Job("heavy2"))
    hand.finish()
    with pytest.raises(KeyError, match="bad"):
        wrong.result(0)
    assert (hand.batcher.waiting, cpu.batches) == (0, [])
    later = hand.submit(Job("heavy3"))
    hand.step()
    later.cancel()  # it is with the other device by now
    hand.finish()
    assert (hand.batcher.waiting, cpu.batches) == (0, [["heavy3"]])


def test_cancelling_takes_out_what_was_left() -> None:
    gpu, cpu = gpu_that_leaves(), Writer()
    hand = ByHand(gpu, cpu)
    hand.submit(Job("plug", wide=False))
    gone = hand.submit(Job("heavy", 5))
    hand.step(1)
    assert hand.batcher.waiting == 5
    gone.cancel()
    assert hand.batcher.waiting == 0
    hand.finish()
    assert cpu.batches == [["plug"]]


def test_what_is_left_once_all_was_stopped_is_cancelled() -> None:
    cpu = Writer()
    hand = ByHand(gpu_that_leaves(), cpu)
    future, done = hand.submit(Job("heavy")), hand.submit(Job("plug", wide=False))
    hand.batcher.stop()
    hand.finish()
    assert (future.cancelled(), done.result(0), hand.batcher.waiting) == (True, ["plug"], 0)
    assert cpu.batches == [["plug"]]
    assert hand.submit(Job("late")).cancelled()
    assert hand.steps == []


def test_cancelling_takes_out_what_waits() -> None:
    cpu = Writer(budget=2)
    hand = ByHand(cpu)
    gone = hand.many("a", 10)
    stays = hand.many("b", 2)
    hand.step()
    assert gone.cancel()
    assert hand.batcher.waiting == 1  # a2 and b0 are with the lane, b1 is next
    hand.finish()
    assert stays.result(0) == ["b0", "b1"]
    assert cpu.batches == [["a0", "a1"], ["a2", "b0"], ["b1"]]
    with pytest.raises(CancelledError):
        gone.result(0)


def test_cancelling_everything_leaves_an_idle_lane() -> None:
    cpu = Writer()
    hand = ByHand(cpu)
    futures = [hand.many(name, 10) for name in "abc"]
    for future in futures:
        future.cancel()
    assert hand.batcher.waiting == 0
    hand.finish()
    assert len(cpu.batches) == 1
    assert hand.batcher.is_idle(0)
    later = hand.submit(Job("later"))
    hand.finish()
    assert later.result(0) == ["later"]


def test_stopping_cancels_what_waits_and_not_what_is_nearly_done() -> None:
    cpu = Writer()
    hand = ByHand(cpu)
    first, waiting = hand.submit(Job("a")), hand.submit(Job("b"))
    hand.batcher.stop()
    hand.finish()
    assert (first.result(0), waiting.cancelled(), cpu.batches) == (["a"], True, [["a"]])


def test_what_goes_wrong_ends_its_owner_alone() -> None:
    cpu = Writer(budget=4)
    hand = ByHand(cpu)
    first = hand.submit(Job("first"))
    wrong = hand.submit(Job("a"), Job("bad"), *(Job(f"a{place}") for place in range(50)))
    right = hand.many("b", 5)
    hand.finish()
    with pytest.raises(KeyError, match="bad"):
        wrong.result(0)
    assert (first.result(0), right.result(0)) == (["first"], ["b0", "b1", "b2", "b3", "b4"])
    assert not any("a49" in batch for batch in cpu.batches)


def test_a_device_that_fails_ends_the_owners_of_its_batch() -> None:
    class Broken(Writer):
        def run(self, tasks: Sequence[Job]) -> list[list[str] | Exception | None]:
            if tasks[0].name == "a":
                raise OSError("lost")
            return super().run(tasks)

    hand = ByHand(Broken())
    lost, kept = hand.submit(Job("a")), hand.submit(Job("b"))
    hand.finish()
    assert kept.result(0) == ["b"]
    with pytest.raises(OSError, match="lost"):
        lost.result(0)


def test_a_device_that_tells_of_too_few_tasks_ends_their_owners() -> None:
    class Short(Writer):
        def run(self, tasks: Sequence[Job]) -> list[list[str] | Exception | None]:
            return super().run(tasks)[1:]

    hand = ByHand(Short())
    future = hand.submit(Job("a"), Job("b"))
    hand.finish()
    with pytest.raises(RuntimeError, match="told of 1 tasks, and was given 2"):
        future.result(0)
    assert hand.batcher.is_idle(0)


def test_what_finish_raises_is_the_future_s() -> None:
    hand = ByHand(Writer())

    def finish(results: list[list[str]]) -> None:
        raise ValueError(results)

    future = hand.batcher.submit([Job("a")], finish)
    hand.finish()
    with pytest.raises(ValueError, match="a"):
        future.result(0)


class Large(list[str]):
    """What can be referred to weakly."""


@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("cancelled", [False, True])
def test_nothing_of_an_answer_is_kept(cancelled: bool, left: bool) -> None:
    """By reference counts alone: the service's collector comes by but rarely."""
    kept: list[weakref.ref[Large]] = []

    class Making(Writer):
        def run(self, tasks: Sequence[Job]) -> list[list[str] | Exception | None]:
            made = [Large([task.name]) for task in tasks]
            kept.extend(map(weakref.ref, made))
            return list(made)

    hand = ByHand(*[gpu_that_leaves("")] * left, Making(budget=1))
    gc.disable()
    try:
        future = hand.submit(Job("a"), Job("b"), Job("c"))
        for _ in range(1 + left):
            hand.step()
        if cancelled:
            future.cancel()
        hand.finish()
        del future
        assert len(kept) == 3 - cancelled
        assert [each() for each in kept] == [None] * len(kept)
    finally:
        gc.enable()


class LostError(Exception):
    """What went wrong, and what it still holds."""


@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("where", ["one", "batch", "finish"])
@pytest.mark.parametrize("cancelled", [False, True])
def test_what_went_wrong_keeps_nothing(where: str, cancelled: bool, left: bool) -> None:
    """An error knows the frames that it came through: a circle where one of these knows the error, or its future."""
    kept: list[weakref.ref[Large] | weakref.ref[LostError]] = []

    def fail(word: str) -> list[str]:
        error = LostError(word)
        kept.append(weakref.ref(error))
        try:
            raise error
        finally:
            del error

    def outcome(task: Job) -> list[str] | Exception:
        if where == "one" and task.name == "b":
            try:
                fail("one")
            except LostError as error:
                return error
        made = Large([task.name])
        kept.append(weakref.ref(made))
        return made

    class Making(Writer):
        def run(self, tasks: Sequence[Job]) -> list[list[str] | Exception | None]:
            if cancelled:
                futures[0].cancel()
            if where == "batch":
                fail("batch")
            return [outcome(task) for task in tasks]

    hand = ByHand(*[gpu_that_leaves("")] * left, Making(budget=9))
    gc.collect()
    gc.disable()
    try:
        futures = [
            hand.batcher.submit([Job("a"), Job("b")], lambda _: fail("finish") if where == "finish" else Large())
        ]
        hand.finish()
        assert futures[0].cancelled() if cancelled else isinstance(futures[0].exception(0), LostError)
        assert len(kept) == {"one": 2, "batch": 1, "finish": 3 - cancelled}[where]
        futures.clear()
        assert [each() for each in kept] == [None] * len(kept)
    finally:
        gc.enable()


def test_what_went_wrong_over_no_tasks_keeps_nothing() -> None:
    kept: list[weakref.ref[LostError]] = []

    def fail(_: list[list[str]]) -> None:
        error = LostError()
        kept.append(weakref.ref(error))
        try:
            raise error
        finally:
            del error

    hand = ByHand(Writer())
    gc.collect()
    gc.disable()
    try:
        assert isinstance(hand.batcher.submit([], fail).exception(0), LostError)
        assert [each() for each in kept] == [None]
    finally:
        gc.enable()


def test_the_queue_is_bounded() -> None:
    hand = ByHand(Writer(), limit=5)
    running = hand.submit(Job("a", 100))
    waiting = hand.submit(Job("b", 3))
    with pytest.raises(FullError) as caught:
        hand.submit(Job("c", 3))
    assert caught.value.limit == 5
    fits = hand.submit(Job("d", 2))
    hand.finish()
    assert [future.result(0) for future in (running, waiting, fits)] == [["a"], ["b"], ["d"]]


def test_where_nothing_waits_anything_may_come() -> None:
    hand = ByHand(Writer(budget=1), limit=5)
    hand.submit(Job("a"))
    large = hand.many("b", 100)
    hand.finish()
    assert len(large.result(0)) == 100


def test_batches_are_told_with_the_wait_of_each_owner_s_first_task() -> None:
    hand = ByHand(Writer(budget=4))
    hand.many("a", 6, cost=2)
    hand.submit(Job("b"))
    hand.finish()
    assert [(ran.device, ran.tasks, ran.cost, len(ran.waits)) for ran in hand.told] == [
        ("cpu", 2, 4, 1),
        ("cpu", 2, 3, 1),
        ("cpu", 2, 4, 0),
        ("cpu", 1, 2, 0),
    ]
    assert all(ran.seconds >= 0 and min(ran.waits, default=0) >= 0 for ran in hand.told)


def test_of_a_batch_that_is_told_only_what_was_done_counts() -> None:
    hand = ByHand(gpu_that_leaves(), Writer())
    hand.submit(Job("a", 2), Job("heavy", 3), Job("b"))
    hand.finish()
    hand.submit(Job("heavy"))
    hand.finish()
    assert [(ran.device, ran.tasks, ran.cost, len(ran.waits)) for ran in hand.told] == [
        ("gpu", 2, 3, 1),
        ("cpu", 1, 3, 0),
        ("gpu", 0, 0, 1),
        ("cpu", 1, 1, 0),
    ]


def test_threads_are_lanes_too() -> None:
    both = threading.Barrier(2, timeout=10)

    class Meeting(Writer):
        def run(self, tasks: Sequence[Job]) -> list[list[str] | Exception | None]:
            both.wait()  # passes only where two batches are done at once
            return super().run(tasks)

    with ThreadPoolExecutor(2) as pool:
        batcher: Batcher[Job, str] = Batcher([Meeting(lanes=2, budget=1)], on(pool), SPACE)
        futures = [batcher.submit([Job(str(place))], lambda results: results[0][0]) for place in range(10)]
        assert [future.result(10) for future in futures] == [str(place) for place in range(10)]


def test_threads_take_what_another_one_leaves() -> None:
    with ThreadPoolExecutor(4) as pool:
        gpu = Writer("gpu", cuts=False, budget=7, leaves="heavy", lost_in=20)
        batcher: Batcher[Job, str] = Batcher([gpu, Writer(lanes=3, budget=2)], on(pool), SPACE)
        names = [f"{'heavy' if place % 3 else 'a'}{place}" for place in range(500)]
        futures = [
            batcher.submit([Job(name), Job(f"b{name}", 3, 3)], lambda results: results[0][0] + str(len(results[1])))
            for name in names
        ]
        for future in futures[::7]:
            future.cancel()
        for name, future in zip(names, futures, strict=True):
            assert future.cancelled() or future.result(10)[:-1] == name
    assert (batcher.waiting, batcher.is_idle(0), batcher.is_idle(1)) == (0, True, True)


def on(pool: ThreadPoolExecutor) -> Callable[[Step], object]:
    def drain(step: Step) -> None:
        while step():
            pass

    return lambda step: pool.submit(drain, step)


def next_batch(owners: list[list[Job]], budget: int) -> list[str]:
    """The slow twin: one task of each owner in turn, as long as they fit; owners are left as they stand then."""
    batch: list[str] = []
    cost = 0
    while owners and (not batch or cost + owners[0][0].cost <= budget):
        owner = owners.pop(0)
        job = owner.pop(0)
        batch.append(job.name)
        cost += job.cost
        if owner:
            owners.append(owner)
    return batch


@given(st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=6), max_size=6), st.integers(1, 20))
def test_one_lane_does_the_batches_of_the_twin(costs: list[list[int]], budget: int) -> None:
    cpu = Writer(budget=budget)
    hand = ByHand(cpu)
    hand.submit(Job("first"))
    owners = [[Job(f"{owner}.{place}", cost) for place, cost in enumerate(own)] for owner, own in enumerate(costs)]
    futures = [hand.submit(*jobs) for jobs in owners]
    hand.finish()
    assert [future.result(0) for future in futures] == [[job.name for job in jobs] for jobs in owners]
    expected = [["first"]]
    while owners:
        expected.append(next_batch(owners, budget))
    assert cpu.batches == expected


@dataclass(eq=False)
class Turn:
    """An owner of the twin below: what it has for each device."""

    queues: tuple[list[Job], list[Job]]


def next_of(turns: list[Turn], budget: int, place: int) -> list[tuple[Turn, Job]]:
    """The slow twin for one device of two: as above; who has nothing for it is passed by, and stays in the turns."""
    batch: list[tuple[Turn, Job]] = []
    cost = 0
    while any(turn.queues[place] for turn in turns):
        queue = turns[0].queues[place]
        if queue and batch and cost + queue[0].cost > budget:
            break
        turn = turns.pop(0)
        if queue:
            batch.append((turn, queue.pop(0)))
            cost += batch[-1][1].cost
        if any(turn.queues):
            turns.append(turn)
    return batch


@settings(max_examples=300)
@given(
    st.lists(st.lists(st.tuples(st.integers(1, 9), st.booleans(), st.booleans()), min_size=1, max_size=6), max_size=6),
    st.integers(1, 20),
    st.integers(0, 9),
)
def test_what_is_left_is_done_in_the_batches_of_the_twin(
    owners: list[list[tuple[int, bool, bool]]], budget: int, lost_in: int
) -> None:
    """The first device does all it is given while the second one has yet to do its first batch."""
    gpu = Writer("gpu", cuts=False, budget=budget, leaves="heavy", lost_in=lost_in + 1)
    cpu = Writer(budget=budget, cuts=False)
    hand = ByHand(gpu, cpu)
    hand.submit(Job("plug", wide=False))
    hand.submit(Job("first"))
    jobs = [
        [
            Job(f"{'heavy' if heavy else ''}{owner}.{place}", cost, wide=wide)
            for place, (cost, heavy, wide) in enumerate(own)
        ]
        for owner, own in enumerate(owners)
    ]
    futures = [hand.submit(*own) for own in jobs]
    while len(hand.steps) > 1:
        hand.step(1)
    hand.finish()
    assert [future.result(0) for future in futures] == [[job.name for job in own] for own in jobs]

    turns = [Turn(([job for job in own if job.wide], [job for job in own if not job.wide])) for own in jobs]
    batches: tuple[list[list[str]], list[list[str]]] = ([["first"]], [["plug"]])
    while len(batches[0]) <= lost_in + 1 and (batch := next_of(turns, budget, 0)):
        lost = len(batches[0]) == lost_in + 1
        batches[0].append([job.name for _, job in batch])
        for turn, job in reversed(batch):
            if lost or job.name.startswith("heavy"):
                turn.queues[1].insert(0, job)
                if turn not in turns:
                    turns.insert(0, turn)
    for turn in turns:  # of a device out of use the next one has all, behind what is its own
        turn.queues[1].extend(turn.queues[0])
        turn.queues[0].clear()
    while batch := next_of(turns, budget, 1):
        batches[1].append([job.name for _, job in batch])
    assert (gpu.batches, cpu.batches) == batches


EVENT = st.one_of(
    st.lists(st.tuples(st.integers(1, 9), st.integers(1, 3), st.booleans(), st.booleans()), min_size=1, max_size=8),
    st.integers(0, 30),  # a lane works
    st.integers(-30, -1),  # somebody hangs up
)


@settings(max_examples=300)
@given(st.lists(EVENT, max_size=40), st.integers(1, 3), st.integers(0, 20), st.integers(1, 30), st.integers(0, 30))
def test_every_task_is_done_once_or_its_owner_has_gone(
    events: list[list[tuple[int, int, bool, bool]] | int], lanes: int, least: int, budget: int, lost_in: int
) -> None:
    gpu, cpu = Writer("gpu", 1, budget, False, least, "heavy", lost_in), Writer("cpu", lanes, budget)
    hand = ByHand(gpu, cpu)
    futures: list[Future[list[str]]] = []
    jobs: list[list[Job]] = []
    for event in events:
        if isinstance(event, list):
            own = [
                Job(f"{'heavy' if heavy else ''}{len(jobs)}_{place}", cost * pieces, pieces, wide)
                for place, (cost, pieces, wide, heavy) in enumerate(event)
            ]
            jobs.append(own)
            futures.append(hand.submit(*own))
        elif event >= 0 and hand.steps:
            hand.step(event % len(hand.steps))
        elif event < 0 and futures:
            futures[event % len(futures)].cancel()
        # Nothing waits beside a lane that would do it: only for the GPU, as much as it wants, while it works.
        if hand.batcher.is_idle(1):
            assert hand.batcher.waiting == 0 or not hand.batcher.is_idle(0)
    hand.finish()
    assert hand.batcher.waiting == 0
    assert hand.batcher.is_idle(0)
    assert hand.batcher.is_idle(1)
    begun, done = ([name for batch in device.batches for name in batch] for device in (gpu, cpu))
    assert len(begun) == len(set(begun))
    done += [name for name in begun if name not in gpu.left]
    assert len(done) == len(set(done)) == sum(ran.tasks for ran in hand.told)
    for future, own in zip(futures, jobs, strict=True):
        if future.cancelled():
            continue
        # A job was done whole, or all of its parts were, in order.
        whole = {job.name: job for job in own}
        seen = future.result(0)
        expected = [
            name
            for job in own
            for name in ([job.name] if job.name in done else [part.name for part in whole[job.name].parts])
        ]
        assert seen == expected
        assert set(seen) <= set(done)
    assert all(ran.cost <= budget or ran.tasks == 1 for ran in hand.told)
