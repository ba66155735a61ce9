"""`make bench-instructions`: instructions of each stage of a request, counted by callgrind; needs valgrind.

    python -m benchmarks.instructions [--write]

Thousands of instructions for one clip of 48 frames and 17 keypoints, the interpreter's included. Unlike times they are
the same on a busy machine. The stages run in a process under callgrind, which writes a count on request.
`--write` puts the table into the README.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks import inputs
from benchmarks.inputs import KEYPOINTS, LIMBS
from benchmarks.load import Request
from benchmarks.report import replace_in_readme
from benchmarks.servers import ROOT
from heatsvc.api.request import BODIES, HeatmapRequest
from heatsvc.bounds import DEFAULT_BOUNDS
from heatsvc.cancel import NEVER_CANCELLED
from heatsvc.encode.codings import CODINGS, ZSTD, Coding
from heatsvc.encode.formats import FORMATS
from heatsvc.encode.job import PlannedVolume

REPEATS = 10
_NPY = FORMATS["application/x-npy"]


def stages() -> dict[str, Callable[[], object]]:
    """What is counted, by name."""
    clip = inputs.one_clip()
    found: dict[str, Callable[[], object]] = {}
    for kind, request in (("npy", clip.npy_request(KEYPOINTS)), ("JSON", clip.json_request(KEYPOINTS))):
        found[f"read, {kind}"] = lambda request=request: read(request)
    for kind, step in (("keypoints", KEYPOINTS), ("limbs", LIMBS)):
        parsed = read(clip.npy_request(step))
        found[f"pipeline and plan, {kind}"] = lambda parsed=parsed: plan(parsed, CODINGS["zstd"])
        for dtype in ("float32", "float16", "uint8"):
            for name, coding in (*ZSTD.items(), ("deflate", CODINGS["deflate"])):
                volume = plan(read(clip.npy_request(step, dtype)), coding)
                what = f"{kind}, {dtype}"
                found[f"render and encode, {what}, {name}"] = lambda volume=volume, coding=coding: encode(
                    volume, coding
                )
    return found


def read(request: Request) -> HeatmapRequest:
    """The clips and options of a request."""
    return BODIES[request.content_type](
        request.body, request.path.partition("?")[2].encode(), DEFAULT_BOUNDS, NEVER_CANCELLED
    )


def plan(parsed: HeatmapRequest, coding: Coding) -> PlannedVolume:
    """The one volume of a request."""
    return parsed.plan(_NPY, coding, DEFAULT_BOUNDS, NEVER_CANCELLED).writer.volumes[0]


def encode(volume: PlannedVolume, coding: Coding) -> list[Any]:
    """Its tiles, rendered and encoded."""
    writer = _NPY.writer([volume], coding, DEFAULT_BOUNDS)
    return [writer.encode(volume, tile) for tile in volume.tiles]


def run_stages() -> None:
    """In the counted process: run each stage once, so that what is cached is there, then between two lines."""
    for name, stage in stages().items():
        stage()
        print(name, flush=True)
        sys.stdin.readline()
        for _ in range(REPEATS):
            stage()
        print(flush=True)
        sys.stdin.readline()


def count(folder: Path) -> dict[str, float]:
    """Instructions of one run of each stage."""
    out = folder / "callgrind.out"
    command = [
        "valgrind",
        "--tool=callgrind",
        f"--callgrind-out-file={out}",
        sys.executable,
        "-m",
        "benchmarks.instructions",
    ]
    process = subprocess.Popen(
        [*command, "--stages"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    counted: dict[str, float] = {}
    dumps = 0
    with process:
        for name in iter(lambda: process.stdout.readline().strip(), ""):
            for _ in range(2):
                subprocess.run(["callgrind_control", "--dump", str(process.pid)], check=True, capture_output=True)
                dumps += 1
                process.stdin.write("\n")
                process.stdin.flush()
                if dumps % 2:
                    process.stdout.readline()
            total = re.search(r"^(?:summary|totals): (\d+)", Path(f"{out}.{dumps}").read_text(), re.MULTILINE)
            assert total is not None
            counted[name] = int(total[1]) / REPEATS
            print(f"{counted[name]:12,.0f}  {name}", file=sys.stderr, flush=True)
    return counted


def main() -> None:
    """Count, print the table and, with `--write`, put it into the README."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instructions", description="instructions of each stage")
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/README.md")
    parser.add_argument("--stages", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stages:
        run_stages()
        return
    with tempfile.TemporaryDirectory() as folder:
        counted = count(Path(folder))
    lines = ["| thousands of instructions, one clip | |", "| --- | ---: |"]
    table = "\n".join([*lines, *(f"| {name} | {each / 1e3:,.0f} |" for name, each in counted.items())])
    print(table)
    if options.write:
        replace_in_readme("instructions", f"{date.today().isoformat()}\n\n{table}")


if __name__ == "__main__":
    main()
