"""Metrics: what `GET /metrics` tells a Prometheus server.

Counts are plain numbers, made into Prometheus's families when it asks: a counter of the client library takes a lock
each time, and a small clip would pass twenty of them. What is to be counted is noted, and added up some hundred notes
at a time, when the code and the counts are at hand, in a third of the time that each by itself would take.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Any

from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from starlette.responses import Response

from heatsvc.api.board import Seat
from heatsvc.api.together import Processes, Together

router = APIRouter(tags=["service"])

STAGES = ("read", "pipeline", "draw", "encode")
_DEVICE = ("asked", "used")
_TASKS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
_BYTES = tuple(float(1 << power) for power in range(16, 34, 2))
_NOTES = 256
_SECONDS = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0)


class Spread:
    """How often a number, seconds as a rule, fell between which bounds, and the sum of all."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float] = _SECONDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, number: float) -> None:
        """One more."""
        self.counts[bisect_left(self.bounds, number)] += 1
        self.total += number

    def buckets(self) -> list[tuple[str, float]]:
        """Prometheus's: of each upper bound, how many were not above it."""
        bounds = [*map(str, self.bounds), "+Inf"]
        return list(zip(bounds, map(float, accumulate(self.counts)), strict=True))


class Metrics(Collector):
    """The counts of one service, in a registry of their own.

    Attributes:
        in_flight: requests being answered.
        waiting: requests that wait for a thread; written by threads too, under `lock`.
        device: what was asked for, and what large batches are drawn on.
        queued: tells how many bytes of output wait for a batch.
        together: these counts and those of other processes of the service; None where there are no others.

    Args:
        seat: this process's among several; None: it is alone.
    """

    def __init__(self, seat: Seat | None = None) -> None:
        self.in_flight = 0
        self.waiting = 0
        self.device = ("cpu", "cpu")
        self.queued: Callable[[], int] = int
        self.lock = threading.Lock()
        # What counts, and what it is to count.
        self._notes: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._requests: Counter[tuple[str, str, str]] = Counter()
        self._routes: dict[str, Spread] = {}
        self._fallbacks: Counter[str] = Counter()
        self._batches: dict[str, _Batches] = {}
        self._waits = Spread()
        self._stages = {stage: Spread() for stage in STAGES}
        self._clips = self._bytes_in = self._bytes_out = 0
        self._builds = self._upload_bytes = 0
        self.registry = CollectorRegistry()
        self.together = Together(self, seat) if seat else None
        self.registry.register(self.together or self)
        self.registry.register(Processes(seat.board) if seat else ProcessCollector(registry=None))

    def publish(self) -> None:
        """Let the service's other processes know of these counts, if there are any."""
        if self.together is not None:
            self.together.publish()

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered; `route` is the path of a known route, so that the labels stay few."""
        self._note(self._add_request, (method, route, status, seconds))

    def count_heatmaps(self, clips: int, bytes_in: int, bytes_out: int, seconds: Sequence[float]) -> None:
        """An answer was drawn, in so many seconds of each of STAGES."""
        self._note(self._add_heatmaps, (clips, bytes_in, bytes_out, seconds))

    def count_batch(self, device: str, tasks: int, size: int, seconds: float, waits: Sequence[float]) -> None:
        """A device has done a batch; called by its threads too.

        Args:
            tasks: clips, or pieces of large ones.
            size: bytes of output, decoded.
            seconds: that the device took.
            waits: of each request whose first task is in it, how long that waited.
        """
        self._note(self._add_batch, (device, tasks, size, seconds, waits))

    def count_fallback(self, reason: str) -> None:
        """The CPU has stepped in for the GPU; called by the GPU's threads."""
        self._note(self._add_fallback, (reason,))

    def count_build(self, size: int) -> None:
        """A form of so many bytes was taken in, to be built."""
        self._note(self._add_build, (size,))

    def _note(self, add: Callable[..., None], what: tuple[Any, ...]) -> None:
        self._notes.append((add, what))
        if len(self._notes) >= _NOTES:
            self._add_up()

    def _add_up(self) -> None:
        """Add what is noted to the counts, in whichever thread this is."""
        with self.lock:
            while self._notes:
                add, what = self._notes.popleft()
                add(*what)

    def _add_request(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests[method, route, str(status)] += 1
        spread = self._routes.get(route)
        if spread is None:
            spread = self._routes[route] = Spread()
        spread.add(seconds)

    def _add_heatmaps(self, clips: int, bytes_in: int, bytes_out: int, seconds: Sequence[float]) -> None:
        self._clips += clips
        self._bytes_in += bytes_in
        self._bytes_out += bytes_out
        for spread, spent in zip(self._stages.values(), seconds, strict=True):
            spread.add(spent)

    def _add_batch(self, device: str, tasks: int, size: int, seconds: float, waits: Sequence[float]) -> None:
        batches = self._batches.get(device)
        if batches is None:
            batches = self._batches[device] = _Batches()
        batches.tasks.add(tasks)
        batches.bytes.add(size)
        batches.seconds.add(seconds)
        for wait in waits:
            self._waits.add(wait)

    def _add_fallback(self, reason: str) -> None:
        self._fallbacks[reason] += 1

    def _add_build(self, size: int) -> None:
        self._builds += 1
        self._upload_bytes += size

    def collect(self) -> Iterator[Metric]:
        """All families."""
        self._add_up()
        with self.lock:
            families = list(self._families())
        yield from families

    def _families(self) -> Iterator[Metric]:
        requests = CounterMetricFamily("heatsvc_requests", "Requests.", labels=("method", "route", "status"))
        for labels, count in self._requests.items():
            requests.add_metric(labels, count)
        yield requests
        yield _histogram("heatsvc_request_seconds", "From a request's start to its end.", "route", self._routes)
        yield _histogram("heatsvc_stage_seconds", "Of a heatmap answer; summed over threads.", "stage", self._stages)
        yield CounterMetricFamily("heatsvc_clips_drawn", "Clips drawn.", self._clips)
        yield CounterMetricFamily("heatsvc_body_bytes", "Bytes of bodies that were drawn.", self._bytes_in)
        yield CounterMetricFamily("heatsvc_answer_bytes", "Bytes of heatmap answers.", self._bytes_out)
        yield CounterMetricFamily(
            "heatsvc_builds_submitted", "Builds asked for, those known already too.", self._builds
        )
        yield CounterMetricFamily("heatsvc_upload_bytes", "Bytes of forms that were built.", self._upload_bytes)
        yield from self._batch_families()
        yield GaugeMetricFamily("heatsvc_in_flight", "Requests being answered.", self.in_flight)
        yield GaugeMetricFamily("heatsvc_queue", "Requests that wait for a thread.", self.waiting)
        yield GaugeMetricFamily("heatsvc_queue_bytes", "Bytes of output that wait for a batch.", self.queued())

    def _batch_families(self) -> Iterator[Metric]:
        of = sorted(self._batches.items())
        tasks = {device: batches.tasks for device, batches in of}
        sizes = {device: batches.bytes for device, batches in of}
        seconds = {device: batches.seconds for device, batches in of}
        yield _histogram("heatsvc_batch_tasks", "Clips, or pieces of large ones, in a batch.", "device", tasks)
        yield _histogram("heatsvc_batch_bytes", "Bytes of output, decoded, in a batch.", "device", sizes)
        yield _histogram("heatsvc_device_seconds", "That a device took for a batch.", "device", seconds)
        wait = HistogramMetricFamily(
            "heatsvc_batch_wait_seconds", "From a request's submission until the first of it is drawn."
        )
        wait.add_metric((), self._waits.buckets(), self._waits.total)
        yield wait
        yield self._fallback_family()
        asked, used = self.device
        device = GaugeMetricFamily("heatsvc_device_info", "1 for what large batches are drawn on.", labels=_DEVICE)
        device.add_metric((asked, used), 1)
        yield device

    def _fallback_family(self) -> Metric:
        family = CounterMetricFamily(
            "heatsvc_device_fallbacks",
            "Times that the CPU stepped in for the GPU: for a clip beyond its memory, or for good, since it was lost.",
            labels=("reason",),
        )
        for reason in ("memory", "lost"):
            family.add_metric((reason,), self._fallbacks[reason])
        return family


class _Batches:
    """Of one device: how many tasks and bytes its batches had, and how long they took."""

    __slots__ = ("bytes", "seconds", "tasks")

    def __init__(self) -> None:
        self.tasks, self.bytes, self.seconds = Spread(_TASKS), Spread(_BYTES), Spread()


def _histogram(name: str, told: str, label: str, spreads: dict[str, Spread]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, told, labels=(label,))
    for value, spread in spreads.items():
        family.add_metric((value,), spread.buckets(), spread.total)
    return family


@router.get("/metrics", summary="Counters for Prometheus", response_class=Response)
async def metrics(request: Request) -> Response:
    """Requests, seconds by stage, bytes in and out, clips drawn, requests in flight and waiting.

    Of all the service's processes together; `process_...` of each.
    """
    registry = request.app.state.service.metrics.registry
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
