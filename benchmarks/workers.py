"""`make bench-workers`: what a second worker process costs, in processor time per request and in memory.

    python -m benchmarks.workers [--quick]

One worker process and two take turns under the same load. The client runs on the same cores and takes time of both, so
that requests per second say little about what two workers can do, and processor time per request what a worker costs.
Each connection belongs to the worker process that accepted it.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks import inputs
from benchmarks.bench import against, say
from benchmarks.inputs import KEYPOINTS, LIMBS
from benchmarks.load import Request, run_load, send_request
from benchmarks.processes import cpu_seconds, memory_of, process_tree
from benchmarks.report import Machine, Row, markdown_table, replace_in_readme, save_results, text_table
from benchmarks.servers import Cores, Server, heatsvc

CONNECTIONS = 8
MAX_GROWTH = 1.10
MAX_RESIDENT_MB = 250


@dataclass(frozen=True, slots=True)
class Turn:
    """A server under load: requests per second, processor µs per request, and the busiest process's share of them."""

    rate: float
    cpu: float
    busiest: float


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
    rows: list[Row] = []
    with heatsvc(None) as one, heatsvc(None, workers=2) as two:
        for name, request in loads.items():
            rows += _compare(name, one, two, request, seconds, rounds)
        rows += [_memory_row("the one worker", one.pid)]
        rows += [_memory_row("one of two workers", pid) for pid in _serving(two)]
    machine = Machine.here(np.__version__, Cores.available())
    title = (
        f"{date.today().isoformat()}: {machine.processor}, {machine.cores} cores, shared with the client; "
        f"Python {machine.python}; {CONNECTIONS} connections; medians of {rounds} rounds. The peer is one worker."
    )
    print(f"{title}\n\n{text_table(rows)}")
    if not quick:
        replace_in_readme("workers results", f"{title}\n\n{markdown_table(rows)}")
        content = {"machine": asdict(machine), "connections": CONNECTIONS, "rows": [asdict(row) for row in rows]}
        print(f"\nwritten: {save_results('workers', content).name}, README.md")


def _compare(name: str, one: Server, two: Server, request: Request, seconds: float, rounds: int) -> list[Row]:
    say(name)
    expected = send_request(one.port, request)[0]
    for server in (one, two):
        run_load(server.port, request, expected, seconds=seconds, connections=CONNECTIONS)
    turns = [[_turn(server, request, expected, seconds) for server in (two, one)] for _ in range(rounds)]
    ours, theirs = zip(*turns, strict=True)
    cpu, peer_cpu = [turn.cpu for turn in ours], [turn.cpu for turn in theirs]
    rates, peer_rates = [turn.rate for turn in ours], [turn.rate for turn in theirs]
    share = 100 * median(turn.busiest for turn in ours)
    return [
        against("", name, "processor µs per request", cpu, peer_cpu, "one worker", MAX_GROWTH, "ratio at most"),
        against("", name, "requests per second", rates, peer_rates, "one worker"),
        Row("", name, "% of the processor time in the busier worker", share, None, ""),
    ]


def _memory_row(name: str, pid: int) -> Row:
    resident = memory_of(pid).resident / 1e6
    return Row("", f"resident memory of {name}", "MB", resident, None, "", MAX_RESIDENT_MB, "figure under")


def _turn(server: Server, request: Request, expected: bytes, seconds: float) -> Turn:
    processes = _serving(server)
    before = [cpu_seconds(pid) for pid in processes]
    load = run_load(server.port, request, expected, seconds=seconds, connections=CONNECTIONS)
    spent = [cpu_seconds(pid) - busy for pid, busy in zip(processes, before, strict=True)]
    return Turn(load.rate, sum(spent) / load.requests * 1e6, max(spent) / sum(spent))


def _serving(server: Server) -> list[int]:
    """The worker processes: those that uvicorn has started, or, of one worker, the server's own process."""
    workers = [pid for pid in process_tree(server.pid) if b"multiprocessing.spawn" in _command_line(pid)]
    return workers or [server.pid]


def _command_line(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


if __name__ == "__main__":
    main()
