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

from heatsvc.draw.batcher import Batcher, FullError, Ran, Step

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
    """A device that writes down its batches; a task called `bad...` goes wrong."""

    name: str = "cpu"
    lanes: int = 1
    budget: int = 4
    cuts: bool = True
    least: float = 0
    batches: list[list[str]] = field(default_factory=list)

    def takes(self, task: Job) -> bool:
        return task.wide

    def run(self, tasks: Sequence[Job]) -> list[list[str] | Exception]:
        self.batches.append([task.name for task in tasks])
        return [KeyError(task.name) if task.name.startswith("bad") else [task.name] for task in tasks]


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
        def run(self, tasks: Sequence[Job]) -> list[list[str] | Exception]:
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
        def run(self, tasks: Sequence[Job]) -> list[list[str] | Exception]:
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


@pytest.mark.parametrize("cancelled", [False, True])
def test_nothing_of_an_answer_is_kept(cancelled: bool) -> None:
    """By reference counts alone: the service's collector comes by but rarely."""
    kept: list[weakref.ref[Large]] = []

    class Making(Writer):
        def run(self, tasks: Sequence[Job]) -> list[list[str] | Exception]:
            made = [Large([task.name]) for task in tasks]
            kept.extend(map(weakref.ref, made))
            return list(made)

    hand = ByHand(Making(budget=1))
    gc.disable()
    try:
        future = hand.submit(Job("a"), Job("b"), Job("c"))
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


@pytest.mark.parametrize("where", ["one", "batch", "finish"])
@pytest.mark.parametrize("cancelled", [False, True])
def test_what_went_wrong_keeps_nothing(where: str, cancelled: bool) -> None:
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
        def run(self, tasks: Sequence[Job]) -> list[list[str] | Exception]:
            if cancelled:
                futures[0].cancel()
            if where == "batch":
                fail("batch")
            return [outcome(task) for task in tasks]

    hand = ByHand(Making(budget=9))
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


def test_threads_are_lanes_too() -> None:
    both = threading.Barrier(2, timeout=10)

    class Meeting(Writer):
        def run(self, tasks: Sequence[Job]) -> list[list[str] | Exception]:
            both.wait()  # passes only where two batches are done at once
            return super().run(tasks)

    with ThreadPoolExecutor(2) as pool:
        batcher: Batcher[Job, str] = Batcher([Meeting(lanes=2, budget=1)], on(pool), SPACE)
        futures = [batcher.submit([Job(str(place))], lambda results: results[0][0]) for place in range(10)]
        assert [future.result(10) for future in futures] == [str(place) for place in range(10)]


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


EVENT = st.one_of(
    st.lists(st.tuples(st.integers(1, 9), st.integers(1, 3), st.booleans()), min_size=1, max_size=8),
    st.integers(0, 30),  # a lane works
    st.integers(-30, -1),  # somebody hangs up
)


@settings(max_examples=300)
@given(st.lists(EVENT, max_size=40), st.integers(1, 3), st.integers(0, 20), st.integers(1, 30))
def test_every_task_is_done_once_or_its_owner_has_gone(
    events: list[list[tuple[int, int, bool]] | int], lanes: int, least: int, budget: int
) -> None:
    gpu, cpu = Writer("gpu", 1, budget, False, least), Writer("cpu", lanes, budget)
    hand = ByHand(gpu, cpu)
    futures: list[Future[list[str]]] = []
    jobs: list[list[Job]] = []
    for event in events:
        if isinstance(event, list):
            own = [
                Job(f"{len(jobs)}_{place}", cost * pieces, pieces, wide)
                for place, (cost, pieces, wide) in enumerate(event)
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
    done = [name for batch in (*gpu.batches, *cpu.batches) for name in batch]
    assert len(done) == len(set(done))
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
