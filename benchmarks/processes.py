"""Processes by /proc: descendants, processor time and memory. Linux only."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of a process in bytes.

    Attributes:
        resident: all of its pages (RSS).
        proportional: each page divided by the number of processes that have it (PSS).
    """

    resident: int = 0
    proportional: int = 0


def process_tree(pid: int) -> list[int]:
    """A process and its descendants."""
    found = [pid]
    for parent in found:
        try:
            tasks = list(Path(f"/proc/{parent}/task").iterdir())
            for task in tasks:
                found += map(int, (task / "children").read_text().split())
        except OSError:  # it has just ended
            continue
    return found


def cpu_seconds(pid: int) -> float:
    """Processor time so far, user and system, of all its threads; in steps of a clock tick, 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system = int(fields[11]), int(fields[12])
    return (user + system) / _TICKS_A_SECOND


def memory_of(pid: int) -> Memory:
    """Memory now; zeros for a process that has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    except OSError:
        return Memory()
    kilobytes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    return Memory(kilobytes["Rss"] << 10, kilobytes["Pss"] << 10)


def resident_bytes(pid: int) -> int:
    """Resident memory of a process and of all its descendants."""
    return sum(memory_of(each).resident for each in process_tree(pid))
