"""What was measured, as a table on the terminal, a table in the README, a JSON file and a plot."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any, Literal

import numpy as np
import orjson

from benchmarks.servers import ROOT, Cores

README = ROOT / "benchmarks" / "README.md"
RESULTS = ROOT / "benchmarks" / "results"


def save_results(name: str, content: Mapping[str, Any]) -> Path:
    """Write results/NAME-DATE.json, or results/DATE.json for an empty name; its path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}{'-' if name else ''}{date.today().isoformat()}.json"
    path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS) + b"\n")
    return path


def replace_in_readme(name: str, text: str) -> None:
    """Replace what benchmarks/README.md has between the comments NAME and /NAME."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, rest = README.read_text().split(begin)
    README.write_text(f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a figure of heatsvc's, the peer's, and what the one is to the other.

    Attributes:
        item: of the benchmark, (a) to (j).
        what: in words.
        unit: of the figures.
        heatsvc: the figure, the median over the rounds where it was taken in rounds.
        peer: the figure it is compared with; None where there is none.
        peer_name: what the peer is.
        target: the bound set; None for a figure without a target.
        bound: which of the figures the target bounds, and to which side: the quotient heatsvc / peer from below or
            from above, or heatsvc's figure itself from above.
        digits: after the decimal point, of the figures.
        rounds: heatsvc's and the peer's figure in each round.
    """

    item: str
    what: str
    unit: str
    heatsvc: float
    peer: float | None
    peer_name: str
    target: float | None = None
    bound: Literal["ratio at least", "ratio at most", "figure under"] = "ratio at least"
    digits: int = 0
    rounds: tuple[tuple[float, float], ...] = ()

    @property
    def ratio(self) -> float | None:
        """Heatsvc's figure over the peer's; of those taken in rounds, the median of what each round says of it."""
        if self.rounds:
            return median(ours / theirs for ours, theirs in self.rounds)
        return self.heatsvc / self.peer if self.peer else None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where none is set."""
        if self.target is None:
            return None
        if self.bound == "figure under":
            return self.heatsvc < self.target
        if self.ratio is None:
            return None
        return self.ratio >= self.target if self.bound == "ratio at least" else self.ratio <= self.target

    def cells(self) -> list[str]:
        """The line's cells as text."""
        ratio = (
            "" if self.ratio is None else f"{self.ratio:.{1 if self.ratio >= 10 else 2 if self.ratio >= 0.1 else 3}f}"
        )
        sign = {"ratio at least": "≥ ", "ratio at most": "≤ ", "figure under": "< "}[self.bound]
        return [
            self.item,
            f"{self.what}, {self.unit}",
            f"{self.heatsvc:,.{self.digits}f}",
            "" if self.peer is None else f"{self.peer:,.{self.digits}f}",
            self.peer_name,
            ratio,
            "" if self.target is None else f"{sign}{self.target:g}",
            {True: "met", False: "missed", None: ""}[self.met],
        ]


_HEADINGS = ["", "what", "heatsvc", "peer", "peer is", "ratio", "target", ""]


def text_table(rows: Sequence[Row]) -> str:
    """The rows as a table for a terminal."""
    table = [_HEADINGS, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ["  ".join(_align(line, widths)).rstrip() for line in table]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def markdown_table(rows: Sequence[Row]) -> str:
    """The rows as a table for the README."""
    rule = ["---", "---", "---:", "---:", "---", "---:", "---:", "---"]
    return "\n".join(f"| {' | '.join(line)} |" for line in [_HEADINGS, rule, *(row.cells() for row in rows)])


def _align(line: list[str], widths: list[int]) -> list[str]:
    right = (2, 3, 5, 6)
    return [
        cell.rjust(width) if column in right else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(line, widths, strict=True))
    ]


@dataclass(frozen=True, slots=True)
class Machine:
    """Where it was measured."""

    processor: str
    cores: int
    memory_gib: float
    kernel: str
    python: str
    numpy: str
    peer_numpy: str
    one_core_for_both: bool

    @classmethod
    def here(cls, peer_numpy: str, cores: Cores) -> Machine:
        """The machine it runs on, as /proc describes it."""
        models = [
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ]
        return cls(
            processor=models[0] if models else platform.machine(),
            cores=os.cpu_count() or 1,
            memory_gib=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
            kernel=platform.release(),
            python=platform.python_version(),
            numpy=np.__version__,
            peer_numpy=peer_numpy,
            one_core_for_both=cores.shared,
        )

    def sentence(self) -> str:
        """The machine in one line."""
        client = "on the same core, the only one" if self.one_core_for_both else "on another one"
        return (
            f"{self.processor}, {self.cores} cores, {self.memory_gib:g} GiB, Linux {self.kernel}, "
            f"Python {self.python}, NumPy {self.numpy} (peers {self.peer_numpy}). Servers and "
            f"the in-process peer on one core, the client {client}."
        )


@dataclass(frozen=True, slots=True)
class Report:
    """One run of the benchmark."""

    day: date
    machine: Machine
    rows: tuple[Row, ...]

    def text(self) -> str:
        """The table for a terminal."""
        return f"{self.machine.sentence()}\n\n{text_table(self.rows)}"

    def markdown(self) -> str:
        """The table for the README."""
        table = markdown_table(self.rows)
        return (
            f"{self.day.isoformat()}: {self.machine.sentence()}\n\n{table}\n\n![The table as bars](results/bench.svg)"
        )

    def save(self) -> Path:
        """Write the JSON file, the plot and the README's table; returns the JSON file's path."""
        content = {
            "date": self.day,
            "machine": asdict(self.machine),
            "rows": [{**asdict(row), "ratio": row.ratio, "met": row.met} for row in self.rows],
        }
        path = save_results("", content)
        self._plot(RESULTS / "bench.svg")
        replace_in_readme("results", self.markdown())
        return path

    def _plot(self, path: Path) -> None:
        """Bars of the rates, heatsvc next to its peers, on a logarithmic axis."""
        import matplotlib as mpl

        mpl.use("Agg")
        from matplotlib import pyplot as plt

        rows = [row for row in self.rows if row.unit.endswith("per second")]
        colors = {"heatsvc": "#1b6ca8", "peer": "#c9c9c9"}
        with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "heatsvc", "font.size": 9}):
            figure, axes = plt.subplots(figsize=(8, 0.62 * len(rows) + 0.9), layout="constrained")
            for place, row in enumerate(rows):
                assert row.peer is not None
                assert row.ratio is not None
                for offset, who, value, label in (
                    (-0.19, "heatsvc", row.heatsvc, f"heatsvc {row.heatsvc:,.0f}, {row.ratio:.2g} times"),
                    (0.19, "peer", row.peer, f"{row.peer_name} {row.peer:,.0f}"),
                ):
                    axes.barh(place + offset, value, height=0.36, color=colors[who])
                    axes.annotate(label, (value, place + offset), (4, 0), textcoords="offset points", va="center")
            axes.set_yticks(range(len(rows)), [f"{row.what}\n{row.unit}" for row in rows])
            axes.invert_yaxis()
            axes.set_xscale("log")
            axes.set_xlim(left=1, right=100 * max(row.heatsvc for row in rows))
            axes.set_title("On one core", loc="left")
            axes.spines[["top", "right"]].set_visible(False)
            axes.tick_params(axis="y", length=0)
            axes.minorticks_off()
            figure.savefig(path, metadata={"Date": None, "Creator": None})
            plt.close(figure)
