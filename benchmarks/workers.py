"""`make bench-workers`: what a second worker process costs, in processor time a request and in memory.

    python -m benchmarks.workers [--quick]

One worker process and two take turns under the same load. The client runs on the same cores and takes time of both, so
that requests a second say little about what two workers can do, and processor time a request what a worker costs. Each
connection belongs to the worker process that accepted it.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks import inputs
from benchmarks.inputs import KEYPOINTS, LIMBS
from benchmarks.load import Request, run_load, send_request
from benchmarks.processes import Memory, cpu_seconds, memory_of, process_tree
from benchmarks.report import Machine, replace_in_readme, save_results
from benchmarks.servers import ROOT, Cores, Server, heatsvc

WORKERS = (1, 2)
CONNECTIONS = 8
MOST_GROWTH = 1.10
MOST_RESIDENT = 250e6
_HEADINGS = (
    "one worker, processor µs a request",
    "two workers",
    "growth",
    "target",
    "",
    "busier worker's share",
    "requests a second, one and two",
)


@dataclass(frozen=True, slots=True)
class Turn:
    """One server under load.

    Attributes:
        micros: of processor time a request, of all worker processes.
        rate: requests a second.
        busiest: the share of that time of the busiest process; one half, if two share it evenly.
    """

    micros: float
    rate: float
    busiest: float


@dataclass(frozen=True, slots=True)
class Kind:
    """Turns under one load.

    Attributes:
        name: of the load.
        turns: of each number of workers, by round.
    """

    name: str
    turns: dict[int, list[Turn]]

    def micros(self, workers: int) -> float:
        """Processor time a request, the median of the rounds."""
        return median(turn.micros for turn in self.turns[workers])

    def rate(self, workers: int) -> float:
        """Requests a second, the median of the rounds."""
        return median(turn.rate for turn in self.turns[workers])

    @property
    def growth(self) -> float:
        """Processor time of two workers over that of one, the median of the rounds."""
        one, two = (self.turns[workers] for workers in WORKERS)
        return median(b.micros / a.micros for a, b in zip(one, two, strict=True))


def main() -> None:
    """Measure, print and, unless `--quick`, write the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers", description="one worker and two")
    parser.add_argument("--quick", action="store_true", help="shorter turns, nothing written")
    quick = parser.parse_args().quick
    # Many short turns: what else the machine does affects both alike.
    seconds, rounds = (0.3, 12) if quick else (0.5, 50)

    clip = inputs.one_clip()
    loads = {
        "npy body, keypoints": clip.npy_request(KEYPOINTS),
        "JSON body, keypoints": clip.json_request(KEYPOINTS),
        "npy body, limbs": clip.npy_request(LIMBS),
    }
    with heatsvc(None, WORKERS[0]) as one, heatsvc(None, WORKERS[1]) as two:
        servers = dict(zip(WORKERS, (one, two), strict=True))
        kinds = [_take_turns(name, servers, request, seconds, rounds) for name, request in loads.items()]
        memory = {workers: [memory_of(pid) for pid in _serving(server)] for workers, server in servers.items()}
        parents = {workers: memory_of(server.pid) for workers, server in servers.items() if workers > 1}
    table = _table(kinds, memory, parents)
    print(table)
    if not quick:
        print(f"\nwritten: {_save(kinds, memory, parents, table).relative_to(ROOT)}, README.md")


def _take_turns(name: str, servers: dict[int, Server], request: Request, seconds: float, rounds: int) -> Kind:
    print(name, file=sys.stderr, flush=True)
    turns: dict[int, list[Turn]] = {workers: [] for workers in servers}
    expected = send_request(servers[1].port, request)[0]
    for server in servers.values():
        run_load(server.port, request, expected, seconds=seconds, connections=CONNECTIONS)
    for number in range(rounds):
        for workers in sorted(servers, reverse=bool(number % 2)):
            turns[workers].append(_turn(servers[workers], request, expected, seconds))
    return Kind(name, turns)


def _turn(server: Server, request: Request, expected: bytes, seconds: float) -> Turn:
    processes = _serving(server)
    before = [cpu_seconds(pid) for pid in processes]
    load = run_load(server.port, request, expected, seconds=seconds, connections=CONNECTIONS)
    spent = [cpu_seconds(pid) - busy for pid, busy in zip(processes, before, strict=True)]
    return Turn(sum(spent) / load.requests * 1e6, load.rate, max(spent) / sum(spent))


def _serving(server: Server) -> list[int]:
    """The worker processes: those that uvicorn has started, or, of one worker, the server's own process."""
    workers = [pid for pid in process_tree(server.pid) if b"multiprocessing.spawn" in _command_line(pid)]
    return workers or [server.pid]


def _command_line(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def _table(kinds: list[Kind], memory: dict[int, list[Memory]], parents: dict[int, Memory]) -> str:
    machine = Machine.here(np.__version__, Cores.available())
    lines = [
        f"{date.today().isoformat()}: {machine.processor}, {machine.cores} cores, shared with the client; "
        f"Python {machine.python}; {CONNECTIONS} connections; medians of {len(kinds[0].turns[1])} rounds.",
        "",
        f"| load | {' | '.join(_HEADINGS)} |",
        f"| --- {'| ---: ' * len(_HEADINGS)}|",
    ]
    for kind in kinds:
        met = "met" if kind.growth <= MOST_GROWTH else "missed"
        busier = median(turn.busiest for turn in kind.turns[2])
        lines.append(
            f"| {kind.name} | {kind.micros(1):,.0f} | {kind.micros(2):,.0f} | {kind.growth:.3f} | ≤ {MOST_GROWTH:.2f} "
            f"| {met} | {busier:.2f} | {kind.rate(1):,.0f}, {kind.rate(2):,.0f} |"
        )
    lines += ["", "| memory, MB | resident | private | proportional | target | |"]
    lines.append("| --- | ---: | ---: | ---: | ---: | --- |")
    for workers, processes in memory.items():
        for number, one in enumerate(processes):
            name = "the one worker" if workers == 1 else f"of {workers} workers, the {('first', 'second')[number]}"
            met = "met" if one.resident < MOST_RESIDENT else "missed"
            lines.append(f"| {name} | {_cells(one)} | < {MOST_RESIDENT / 1e6:.0f} resident | {met} |")
    lines += [f"| their parent, which serves nothing | {_cells(one)} | | |" for one in parents.values()]
    return "\n".join(lines)


def _cells(memory: Memory) -> str:
    return " | ".join(f"{size / 1e6:.0f}" for size in (memory.resident, memory.private, memory.proportional))


def _save(kinds: list[Kind], memory: dict[int, list[Memory]], parents: dict[int, Memory], table: str) -> Path:
    content = {
        "machine": asdict(Machine.here(np.__version__, Cores.available())),
        "load_average": os.getloadavg(),
        "connections": CONNECTIONS,
        "kinds": [{**asdict(kind), "growth": kind.growth} for kind in kinds],
        "memory": memory,
        "parents": parents,
    }
    replace_in_readme("workers results", table)
    return save_results("workers", content)


if __name__ == "__main__":
    main()
