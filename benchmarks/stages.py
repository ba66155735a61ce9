"""Where the time of one request goes: microseconds of each stage, beside the least that it could take.

    python -m benchmarks.stages [--write]

For the clip of `bench.py`, and for one of 64 in a request. The stages but HTTP are measured in process, the server's
code called as it calls it. HTTP is the rest: the server's processor time a request under load, less the other stages;
its floor is all of the bare route, which reads the same request and sends the same bytes. The floor of the others is a
copy of the bytes that they cannot but write: the points, the pixels that are not zero, the coded body. `--write` puts
the table into the README.
"""

from __future__ import annotations

import argparse
import gc
import os
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from datetime import date
from statistics import quantiles
from time import perf_counter

import numpy as np

from benchmarks import inputs, servers
from benchmarks.bench import stored_headers, turn
from benchmarks.inputs import KEYPOINTS, LIMBS, MANY
from benchmarks.load import Request, send_request
from benchmarks.report import README
from benchmarks.servers import Cores, Server, on_core
from heatsvc.api.request import BODIES
from heatsvc.api.service import warm
from heatsvc.bounds import DEFAULT_BOUNDS
from heatsvc.cancel import NEVER_CANCELLED
from heatsvc.cli.memory import keep_freed_memory
from heatsvc.encode.codings import CODINGS, Coding
from heatsvc.encode.formats import FORMATS
from heatsvc.encode.planned import PlannedVolume
from heatsvc.render.cpu import Tile
from heatsvc.render.pixels import PixelRuns, SeparablePatches

_BEGIN, _END = "<!-- stages -->", "<!-- /stages -->"
_SECONDS = 0.4
_PASSES = 4
_UNDER_LOAD = 3.0
_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Spent:
    """Microseconds a clip of one request.

    Attributes:
        read: from the body's bytes to clips, checked.
        describe: pipeline and plan.
        render: to runs of pixels.
        encode: to zstd.
        assemble: header, chunks, one bytes object.
        http: everything else that the server does: sockets, parsing, the route, metrics, sending.
    """

    read: float
    describe: float
    render: float
    encode: float
    assemble: float
    http: float

    @property
    def cells(self) -> list[float]:
        """In the order in which it happens."""
        return [self.http, self.read, self.describe, self.render, self.encode, self.assemble, self.all]

    @property
    def all(self) -> float:
        """The sum."""
        return self.http + self.read + self.describe + self.render + self.encode + self.assemble


STAGES = ("HTTP: sockets, parsing, route", "read, check", "pipeline, plan", "render", "encode", "assemble", "all")


def main() -> None:
    """Print the table; write it down where asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stages", description="where a request's time goes")
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/README.md")
    write = parser.parse_args().write
    clip, clips = inputs.one_clip(), inputs.many_clips()
    npy, safetensors = "application/x-npy", "application/vnd.safetensors"
    requests = {
        "JSON": (clip.json_request(KEYPOINTS), npy, 1),
        "npy": (clip.npy_request(KEYPOINTS), npy, 1),
        "npy, limbs": (clip.npy_request(LIMBS), npy, 1),
        f"JSON, 1 of {MANY}": (inputs.many_json_request(clips, KEYPOINTS), safetensors, MANY),
        f"limbs, 1 of {MANY}": (inputs.many_json_request(clips, LIMBS), safetensors, MANY),
    }
    cores = Cores.available()
    keep_freed_memory()  # as the server does
    with on_core(cores.server):
        warm()
        gc.collect()
        gc.freeze()  # as the server does once it is warm
        gc.set_threshold(200_000, 20, 100)
        passes = [[stages(*request) for request in requests.values()] for _ in range(_PASSES)]
    measured = [(quickest([spent for spent, _ in got]), got[0][1]) for got in zip(*passes, strict=True)]
    os.sched_setaffinity(0, {cores.client})
    columns: list[list[float]] = []
    names: list[str] = []
    with servers.heatsvc(cores.server) as ours:
        for (name, (request, _, count)), (spent, floor) in zip(requests.items(), measured, strict=True):
            total, bare = under_load(ours, cores, request)
            rest = total / count - spent.all
            names += [name, "floor"]
            columns += [
                Spent(spent.read, spent.describe, spent.render, spent.encode, spent.assemble, rest).cells,
                Spent(floor.read, floor.describe, floor.render, floor.encode, floor.assemble, bare / count).cells,
            ]
    lines = [["microseconds of a core, a clip", *names]]
    for stage, *row in zip(STAGES, *columns, strict=True):
        lines.append([stage, *(f"{value:,.0f}" for value in row)])
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        print("  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]))
    if write:
        save(lines)


def stages(request: Request, media_type: str, count: int) -> tuple[Spent, Spent]:
    """Microseconds of each stage of a request, per clip, with a response in zstd; and the least they could be."""
    query = request.path.partition("?")[2].encode()
    read = BODIES[request.content_type]
    format, coding, bounds = FORMATS[media_type], CODINGS["zstd"], DEFAULT_BOUNDS

    reading = time_of(lambda: read(request.body, query, bounds, NEVER_CANCELLED))
    request = read(request.body, query, bounds, NEVER_CANCELLED)
    describing = time_of(lambda: request.plan(format, coding, bounds, NEVER_CANCELLED))
    job = request.plan(format, coding, bounds, NEVER_CANCELLED)
    tiles = [(planned, tile) for planned in job.writer.volumes for tile in planned.tiles]
    # One after the other and dropped, as the server does it: the runs of sixty clips would not fit into the caches.
    rendering = sum(time_of(lambda p=p, t=t: rendered(p, t, coding), _SECONDS / len(tiles)) for p, t in tiles)  # type: ignore[misc]
    parts = [rendered(planned, tile, coding) for planned, tile in tiles]
    encoding = sum(time_of(lambda p=p: encoded(p, coding), _SECONDS / len(parts)) for p in parts)  # type: ignore[misc]
    size = len(job.render())
    # A writer writes one body, so each run has a job of its own, whose planning is subtracted.
    whole = time_of(lambda: request.plan(format, coding, bounds, NEVER_CANCELLED).render())
    assembling = max(0.0, whole - describing - rendering - encoding)
    spent = Spent(reading, describing, rendering, encoding, assembling, 0)
    points = sum(clip.nbytes for clip in request.clips)
    pixels = sum(4 * part.pixels if isinstance(part, SeparablePatches) else part.values.nbytes for part in parts)
    floor = Spent(copy_of(points), 0, copy_of(pixels), copy_of(size), copy_of(size), 0)
    return each(spent, count), each(floor, count)


def rendered(planned: PlannedVolume, tile: Tile, coding: Coding) -> PixelRuns | SeparablePatches:
    """A tile as the server renders it."""
    return (planned.render_patches(tile) if coding.encode_patches else None) or planned.render(tile)


def encoded(part: PixelRuns | SeparablePatches, coding: Coding) -> object:
    """A rendered tile as the server encodes it."""
    if isinstance(part, SeparablePatches):
        assert coding.encode_patches
        return coding.encode_patches(part)
    return coding.encode_runs(part)


def quickest(spent: Sequence[Spent]) -> Spent:
    """Of each stage the least of several measurements."""
    return Spent(*map(min, zip(*map(astuple, spent), strict=True)))


def each(spent: Spent, count: int) -> Spent:
    """A clip's part of a request of many."""
    parts = (spent.read, spent.describe, spent.render, spent.encode, spent.assemble, spent.http)
    return Spent(*(part / count for part in parts))


def under_load(ours: Server, cores: Cores, request: Request) -> tuple[float, float]:
    """Processor microseconds a request, of heatsvc and of the bare route that sends the same; the quickest of turns."""
    body, headers = send_request(ours.port, request)
    with servers.bare_service(cores.server, body, stored_headers(headers)) as bare:
        turns = [[turn(server, request, body, _UNDER_LOAD).cpu for server in (ours, bare)] for _ in range(_ROUNDS)]
    total, least = (min(column) for column in zip(*turns, strict=True))
    return total, least


def copy_of(size: int) -> float:
    """Microseconds to copy so many bytes."""
    source, target = np.ones(size, np.uint8), np.zeros(size, np.uint8)
    return time_of(lambda: np.copyto(target, source), _SECONDS / 4)


def time_of(work: Callable[[], object], seconds: float = _SECONDS) -> float:
    """Microseconds that `work` takes, the quickest tenth of as many times as fit into `seconds`."""
    work()
    times: list[float] = []
    end = perf_counter() + seconds
    while (start := perf_counter()) < end or len(times) < 3:
        work()
        times.append(perf_counter() - start)
    return quantiles(times, n=10)[0] * 1e6


def save(lines: list[list[str]]) -> None:
    """Put the table into the README."""
    rule = ["---", *["---:"] * (len(lines[0]) - 1)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in [lines[0], rule, *lines[1:]])
    before, rest = README.read_text().split(_BEGIN)
    README.write_text(f"{before}{_BEGIN}\n{date.today().isoformat()}\n\n{table}\n{_END}{rest.split(_END)[1]}")


if __name__ == "__main__":
    main()
