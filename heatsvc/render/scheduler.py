"""Batcher: what is drawn next, where, and together with what. It knows neither pixels nor who asks.

Continuous batching, without a timer: what is submitted goes at once where a lane is free. What comes while all of them
work waits, and is the next batch of the first one that is done, up to that device's budget of output. A batch takes one
task of each owner in turn, so that a single clip is in the next batch however long the list of another is.

Nothing here decides by a clock: which task is in which batch follows from the order of calls alone.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any, Generic, Protocol, Self, TypeVar


class Task(Protocol):
    """Something to be done, whole or by its parts."""

    @property
    def cost(self) -> int:
        """Bytes of output, decoded."""

    @property
    def parts(self) -> Sequence[Self]:
        """The same, cut: at least one, in the order of their results."""


Work = TypeVar("Work", bound=Task)
Result = TypeVar("Result")
Made = TypeVar("Made")
Given = TypeVar("Given", bound=Task, contravariant=True)
Back = TypeVar("Back", covariant=True)

Step = Callable[[], bool]
"""Does a lane's batch; whether there is another one."""


class Device(Protocol[Given, Back]):
    """What does batches.

    Those of a batcher stand in an order: each takes whatever one before it takes, and the last takes everything.
    """

    @property
    def name(self) -> str:
        """For metrics."""

    @property
    def lanes(self) -> int:
        """Batches at a time."""

    @property
    def budget(self) -> int:
        """Bytes of output that a batch may have, unless it is a single task."""

    @property
    def cuts(self) -> bool:
        """Whether it takes the parts of tasks, which several lanes may then share, or tasks as they are."""

    @property
    def least(self) -> float:
        """Bytes of output under which a batch is left to the devices behind it; infinite for one out of use."""

    def takes(self, task: Given) -> bool:
        """Whether it can do this."""

    def run(self, tasks: Sequence[Given]) -> Sequence[Sequence[Back] | Exception | None]:
        """Do a batch: of each task what came of it, or what went wrong with that one. Called by several threads.

        None: it leaves this one to the devices behind it, which the last one may not.
        """


class FullError(Exception):
    """More waits than may.

    Attributes:
        limit: bytes of output that may wait.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit:,} bytes of output wait already")
        self.limit = limit


@dataclass(frozen=True, slots=True)
class Ran:
    """A batch that was done.

    Attributes:
        device: its name.
        tasks: how many; those that it left to another device are told with the batch in which they are done.
        cost: bytes of output, of the same.
        seconds: that the device took, for what it left too.
        waits: seconds from submission to this batch, of each owner whose first task is in it, left or not.
    """

    device: str
    tasks: int
    cost: int
    seconds: float
    waits: Sequence[float]


class Batcher(Generic[Work, Result]):
    """Tasks of many owners, and the lanes that do them.

    Args:
        devices: in the order in which they are asked; see `Device`.
        start: has something, a thread for instance, call a step until it returns False.
        limit: bytes of output that may wait. Where nothing waits, anything may come.
        told: called after each batch, by whatever did it.
    """

    def __init__(
        self,
        devices: Sequence[Device[Work, Result]],
        start: Callable[[Step], object],
        limit: int,
        told: Callable[[Ran], None] = lambda _: None,
    ) -> None:
        self._devices = devices
        self._start = start
        self._limit = limit
        self._told = told
        self._lock = threading.Lock()
        # Whose turn is next stands first.
        self._turns: deque[_Owner[Work, Result]] = deque()
        self._waiting = [0] * len(devices)
        self._idle = [[_Lane[Work, Result](place) for _ in range(device.lanes)] for place, device in enumerate(devices)]
        self._stopped = False

    @property
    def waiting(self) -> int:
        """Bytes of output that wait."""
        return sum(self._waiting)

    def is_idle(self, place: int) -> bool:
        """Whether a lane of a device has nothing to do."""
        return bool(self._idle[place])

    def submit(self, tasks: Sequence[Work], finish: Callable[[list[list[Result]]], Made]) -> Future[Made]:
        """Have tasks done. To cancel the future takes those that wait out of the queue.

        Args:
            tasks: of one owner.
            finish: makes what the future holds of the results of each task, in their order; called by whatever did
                the last of them, and here where there are none.

        Raises:
            FullError: more waits than may.
        """
        future: Future[Made] = Future()
        owner = _Owner[Work, Result](future, len(tasks), finish, len(self._devices))
        if not tasks:
            owner.settle()
            try:
                return future
            finally:
                del future  # what went wrong knows this frame: no circle through it
        for place, task in enumerate(tasks):
            owner.queues[self._first_for(task)].append(_Unit(owner, task, place, 0, max(1, task.cost)))
        with self._lock:
            if (waiting := self.waiting) and waiting + owner.cost > self._limit:
                raise FullError(self._limit)
            for queue, units in enumerate(owner.queues):
                self._waiting[queue] += sum(unit.cost for unit in units)
            self._turns.append(owner)
            lanes = self._assign()
        future.add_done_callback(lambda done: self._drop(owner) if done.cancelled() else None)
        self._go(lanes)
        if self._stopped:
            self.stop()  # this one, too
        return future

    def stop(self) -> None:
        """Take what waits out of the queue, and what comes later; what is being done is done."""
        with self._lock:
            self._stopped = True
            futures = [owner.future for owner in self._turns if owner.future is not None]
        for future in futures:
            future.cancel()

    def _first_for(self, task: Work) -> int:
        last = len(self._devices) - 1
        return next((place for place in range(last) if self._devices[place].takes(task)), last)

    def _go(self, lanes: Iterable[_Lane[Work, Result]]) -> None:
        for lane in lanes:
            self._start(partial(self._step, lane))

    def _step(self, lane: _Lane[Work, Result]) -> bool:
        """Do a lane's batch, and give it the next one."""
        device, units = self._devices[lane.place], lane.units
        started = perf_counter()
        outcomes = _run(device, units, is_last=lane.place == len(self._devices) - 1)
        seconds = perf_counter() - started
        costs = [unit.cost for unit, outcome in zip(units, outcomes, strict=True) if outcome is not None]
        self._told(Ran(device.name, len(costs), sum(costs), seconds, lane.waits))
        with self._lock:
            ended = self._book(lane, outcomes)
            # The next device does not wait with what was left until those are told that are done.
            lanes = self._assign() if len(costs) < len(units) else []
        self._go(lanes)
        # An error knows the frames that it came through, and those that called them: were it in one of them, or in
        # what one of them holds, that circle would keep answers until the collector comes by.
        outcomes, units = [], []
        for owner in ended:
            owner.settle()
        if self._stopped:
            self.stop()  # what was left waits again
        with self._lock:
            lane.units = []
            self._idle[lane.place].append(lane)
            lanes = self._assign()
        self._go(other for other in lanes if other is not lane)
        return lane in lanes

    def _book(
        self, lane: _Lane[Work, Result], outcomes: Sequence[Sequence[Result] | Exception | None]
    ) -> list[_Owner[Work, Result]]:
        """Put what came of a lane's batch in its place, and what was left in the queue; who waits for nothing more."""
        booked = list(zip(lane.units, outcomes, strict=True))
        ended = [unit.owner for unit, outcome in booked if outcome is not None and self._put(unit, outcome)]
        for unit, outcome in reversed(booked):
            if outcome is None:
                self._put_back(unit, lane.place + 1)
        return ended

    def _put_back(self, unit: _Unit[Work, Result], place: int) -> None:
        """Have a task wait for a device, as the first of its owner's; nothing where that waits for nothing more."""
        owner = unit.owner
        if owner.over:
            return
        if not any(owner.queues):
            self._turns.appendleft(owner)
        owner.queues[place].appendleft(unit)
        self._waiting[place] += unit.cost

    def _put(self, unit: _Unit[Work, Result], outcome: Sequence[Result] | Exception) -> bool:
        """Put a result in its place; whether its owner waits for nothing more."""
        owner = unit.owner
        if owner.over:
            return False
        if isinstance(outcome, Exception):
            owner.error = outcome
            self._remove(owner)
        else:
            owner.results[unit.place][unit.part] = outcome
            owner.left -= 1
        owner.over = owner.error is not None or not owner.left
        return owner.over

    def _drop(self, owner: _Owner[Work, Result]) -> None:
        with self._lock:
            owner.over = True
            owner.let_go()
            self._remove(owner)
            # What was left to one device for its amount may now be so little that another should have it.
            lanes = self._assign()
        self._go(lanes)

    def _remove(self, owner: _Owner[Work, Result]) -> None:
        for queue, units in enumerate(owner.queues):
            self._waiting[queue] -= sum(unit.cost for unit in units)
            units.clear()
        if owner in self._turns:
            self._turns.remove(owner)

    def _assign(self) -> list[_Lane[Work, Result]]:
        """Give each idle lane a batch, as far as there is something for it; those that were given one."""
        lanes: list[_Lane[Work, Result]] = []
        if self._stopped:
            return lanes
        for place, idle in enumerate(self._idle):
            while idle and (units := self._take(place)):
                lane = idle.pop()
                lane.give(units)
                lanes.append(lane)
        return lanes

    def _take(self, place: int) -> list[_Unit[Work, Result]]:
        """The next batch of a device, one task of each owner in turn; nothing where it should do nothing."""
        device = self._devices[place]
        open_queues = [place, *(before for before in range(place) if self._leaves(before))]
        waiting = sum(self._waiting[queue] for queue in open_queues)
        if not waiting or waiting < device.least:
            return []
        share = waiting / len(self._idle[place])  # lanes that are idle at the same time share what there is
        taken: list[_Unit[Work, Result]] = []
        cost = passed = 0
        while cost < share and passed < len(self._turns):
            owner = self._turns[0]
            queue = next((queue for queue in open_queues if owner.queues[queue]), None)
            if queue is None:
                self._turns.rotate(-1)
                passed += 1
                continue
            if device.cuts:
                queue = self._cut(owner, queue, place)
            unit = owner.queues[queue][0]
            if taken and cost + unit.cost > device.budget:
                break
            del owner.queues[queue][0]
            self._waiting[queue] -= unit.cost
            self._turns.rotate(-1)
            if not any(owner.queues):
                self._turns.pop()
            taken.append(unit)
            cost += unit.cost
            passed = 0
        return taken

    def _leaves(self, place: int) -> bool:
        """Whether a device leaves what waits for it to those behind it."""
        return self._waiting[place] < self._devices[place].least

    def _cut(self, owner: _Owner[Work, Result], queue: int, place: int) -> int:
        """Put the parts of an owner's next task in its place, where only devices that cut will look; that queue."""
        unit = owner.queues[queue][0]
        parts = [unit.task] if unit.is_part else unit.task.parts
        if len(parts) == 1:
            return queue
        del owner.queues[queue][0]
        self._waiting[queue] -= unit.cost
        units = [_Unit(owner, part, unit.place, at, max(1, part.cost), True) for at, part in enumerate(parts)]
        owner.results[unit.place] = [()] * len(units)
        owner.left += len(units) - 1
        owner.queues[place].extendleft(reversed(units))
        self._waiting[place] += sum(each.cost for each in units)
        return place


def _run(
    device: Device[Work, Result], units: Sequence[_Unit[Work, Result]], *, is_last: bool
) -> Sequence[Sequence[Result] | Exception | None]:
    """What came of each unit. What a device raises went wrong with all of them."""
    try:
        outcomes = device.run([unit.task for unit in units])
        if len(outcomes) != len(units):
            raise RuntimeError(f"{device.name} told of {len(outcomes)} tasks, and was given {len(units)}")
        if is_last:
            return [_left_behind(device) if outcome is None else outcome for outcome in outcomes]
        return outcomes
    except Exception as error:
        return [error] * len(units)
    finally:
        outcomes = []


def _left_behind(device: Device[Work, Result]) -> RuntimeError:
    return RuntimeError(f"{device.name} left a task, and there is no device behind it")


class _Owner(Generic[Work, Result]):
    """Who submitted tasks.

    Attributes:
        future: of what is made of them; None once it was told. The future knows its owner: a circle would keep answers
            of megabytes until the collector comes by.
        queues: tasks that wait, by the first device that takes them.
        results: of each task, and of each of its parts, what came of it.
        left: tasks and parts that are not done.
        error: what went wrong with one of them.
        over: whether nothing more is waited for.
        since: when it came; None once the first task is taken.
    """

    def __init__(
        self, future: Future[Any], tasks: int, finish: Callable[[list[list[Result]]], Any], queues: int
    ) -> None:
        self.future: Future[Any] | None = future
        self.queues: list[deque[_Unit[Work, Result]]] = [deque() for _ in range(queues)]
        self.results: list[list[Sequence[Result]]] = [[()] for _ in range(tasks)]
        self.left = tasks
        self.error: Exception | None = None
        self.over = False
        self.since: float | None = perf_counter()
        self._finish = finish

    @property
    def cost(self) -> int:
        """Bytes of output that wait."""
        return sum(unit.cost for units in self.queues for unit in units)

    def settle(self) -> None:
        """Tell the future."""
        future, results, failed = self.future, self.results, self.error
        self.let_go()
        try:
            if future is None or not future.set_running_or_notify_cancel():
                return
            if failed is not None:
                future.set_exception(failed)
                return
            try:
                made = self._finish([[each for part in parts for each in part] for parts in results])
            except Exception as error:
                future.set_exception(error)
            else:
                future.set_result(made)
        finally:
            # What went wrong may know this frame: no circle through it.
            del future, results, failed

    def let_go(self) -> None:
        """Forget all that came of the tasks."""
        self.future, self.results, self.error = None, [], None


@dataclass(slots=True, eq=False)
class _Unit(Generic[Work, Result]):
    """A task, or a part of one, in the queue.

    Attributes:
        place: which of its owner's tasks.
        part: which of its parts.
        is_part: whether it is one, so that it is cut no further.
    """

    owner: _Owner[Work, Result]
    task: Work
    place: int
    part: int
    cost: int
    is_part: bool = False


class _Lane(Generic[Work, Result]):
    """What does one batch after the other.

    Attributes:
        place: of its device.
        units: its batch.
        waits: as `Ran` has them.
    """

    def __init__(self, place: int) -> None:
        self.place = place
        self.units: list[_Unit[Work, Result]] = []
        self.waits: list[float] = []

    def give(self, units: list[_Unit[Work, Result]]) -> None:
        """The next batch."""
        self.units = units
        self.waits = []
        now = perf_counter()
        for unit in units:
            if unit.owner.since is not None:
                self.waits.append(now - unit.owner.since)
                unit.owner.since = None
