"""Together: the metrics of all serving processes of a service, whichever of them is asked.

Each writes on the board what it has counted, once a second and whenever it is asked itself. A process that takes the
seat of one that died goes on from that one's counts: what was told once never becomes less.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

import orjson
import structlog
from prometheus_client import ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from heatsvc.api.board import Board, Seat

log = structlog.get_logger("heatsvc.metrics")


class Together(Collector):
    """The counts of this process and of the others, added up, gauges as well.

    Args:
        own: this process's counts.
        seat: this process's, taken.
    """

    def __init__(self, own: Collector, seat: Seat) -> None:
        self._own = own
        self._seat = seat
        self._before = [family for family in _loads(seat.read()) if family.type != "gauge"]
        self.publish()

    def publish(self) -> None:
        """Let the others see what is counted here."""
        if not self._seat.write(_dumps(add(chain(self._own.collect(), self._before)))):
            log.warning("there are too many counts to be shared")

    def collect(self) -> Iterator[Metric]:
        """All families, those of the others as they were a second ago or later."""
        self.publish()
        yield from add(
            family for seat in self._seat.board for family in _loads(seat.read()) if seat.pid or family.type != "gauge"
        )


class Processes(Collector):
    """What the system tells of each serving process; the label `worker` is its seat.

    Args:
        board: of all.
    """

    def __init__(self, board: Board) -> None:
        self._board = board

    def collect(self) -> Iterator[Metric]:
        """The families of the Prometheus client's own collector."""
        families: dict[str, Metric] = {}
        for seat in self._board:
            pid = seat.pid
            if not pid:
                continue
            for told in ProcessCollector(pid=lambda pid=pid: pid, registry=None).collect():  # type: ignore[misc]
                family = families.setdefault(told.name, Metric(told.name, told.documentation, told.type))
                for sample in told.samples:
                    family.add_sample(sample.name, {**sample.labels, "worker": str(seat.number)}, sample.value)
        yield from families.values()


def add(families: Iterable[Metric]) -> list[Metric]:
    """Families of the same name made into one, in which samples of the same name and labels are added up."""
    sums: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], float]] = {}
    added: dict[str, Metric] = {}
    for family in families:
        added.setdefault(family.name, Metric(family.name, family.documentation, family.type))
        counts = sums.setdefault(family.name, {})
        for sample in family.samples:
            key = sample.name, tuple(sample.labels.items())
            counts[key] = counts.get(key, 0.0) + sample.value
    for name, counts in sums.items():
        for (sample_name, labels), value in counts.items():
            added[name].add_sample(sample_name, dict(labels), value)
    return list(added.values())


def _dumps(families: Iterable[Metric]) -> bytes:
    return orjson.dumps(
        [
            (
                family.name,
                family.documentation,
                family.type,
                [(sample.name, sample.labels, sample.value) for sample in family.samples],
            )
            for family in families
        ]
    )


def _loads(content: bytes) -> list[Metric]:
    """What _dumps was given; nothing of nothing."""
    families = []
    for name, documentation, kind, samples in orjson.loads(content) if content else ():
        family = Metric(name, documentation, kind)
        for sample in samples:
            family.add_sample(*sample)
        families.append(family)
    return families
