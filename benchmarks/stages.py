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
from heatsvc.api.answer import sketch
from heatsvc.api.clips import BODIES
from heatsvc.encode.drawing import Drawing
from heatsvc.encode.errand import Errand

from benchmarks import inputs, servers
from benchmarks.bench import stored_headers, turn
from benchmarks.inputs import KEYPOINTS, LIMBS, MANY
from benchmarks.load import Exchange, ask
from benchmarks.report import README
from benchmarks.servers import Cores, Server, on_core
from heatsvc.api.service import warm
from heatsvc.bounds import DEFAULT_BOUNDS
from heatsvc.cli.memory import keep_freed_memory
from heatsvc.encode.codings import CODINGS, Coding
from heatsvc.encode.formats import FORMS
from heatsvc.render.cpu import Tile
from heatsvc.render.pixels import PixelRuns, SeparablePatches

_BEGIN, _END = "<!-- stages -->", "<!-- /stages -->"
_SECONDS = 0.4
_PASSES = 4
_UNDER_LOAD = 3.0
_ROUNDS = 5
# As `api.send` has it.
_ONE_MESSAGE = 1 << 20


@dataclass(frozen=True, slots=True)
class Spent:
    """Microseconds a clip of one request.

    Attributes:
        read: from the body's bytes to clips, checked.
        describe: pipeline, plan and layout.
        draw: to runs of pixels.
        encode: to zstd.
        assemble: header, chunks, one bytes object.
        http: everything else that the server does: sockets, parsing, the route, metrics, sending.
    """

    read: float
    describe: float
    draw: float
    encode: float
    assemble: float
    http: float

    @property
    def cells(self) -> list[float]:
        """In the order in which it happens."""
        return [self.http, self.read, self.describe, self.draw, self.encode, self.assemble, self.all]

    @property
    def all(self) -> float:
        """The sum."""
        return self.http + self.read + self.describe + self.draw + self.encode + self.assemble


STAGES = ("HTTP: sockets, parsing, route", "read, check", "pipeline, plan", "draw", "encode", "assemble", "all")


def main() -> None:
    """Print the table; write it down where asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stages", description="where a request's time goes")
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/README.md")
    write = parser.parse_args().write
    clip, clips = inputs.one_clip(), inputs.many_clips()
    npy, safetensors = "application/x-npy", "application/vnd.safetensors"
    requests = {
        "JSON": (clip.json_exchange(KEYPOINTS), npy, 1),
        "npy": (clip.npy_exchange(KEYPOINTS), npy, 1),
        "npy, limbs": (clip.npy_exchange(LIMBS), npy, 1),
        f"JSON, 1 of {MANY}": (inputs.many_json_exchange(clips, KEYPOINTS), safetensors, MANY),
        f"limbs, 1 of {MANY}": (inputs.many_json_exchange(clips, LIMBS), safetensors, MANY),
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
        for (name, (exchange, _, count)), (spent, floor) in zip(requests.items(), measured, strict=True):
            total, bare = under_load(ours, cores, exchange)
            rest = total / count - spent.all
            names += [name, "floor"]
            columns += [
                Spent(spent.read, spent.describe, spent.draw, spent.encode, spent.assemble, rest).cells,
                Spent(floor.read, floor.describe, floor.draw, floor.encode, floor.assemble, bare / count).cells,
            ]
    lines = [["microseconds of a core, a clip", *names]]
    for stage, *row in zip(STAGES, *columns, strict=True):
        lines.append([stage, *(f"{value:,.0f}" for value in row)])
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        print("  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]))
    if write:
        save(lines)


def stages(exchange: Exchange, media_type: str, count: int) -> tuple[Spent, Spent]:
    """What each stage of a whole request takes a clip, answered in zstd, and its floor."""
    query = exchange.path.partition("?")[2].encode()
    read = BODIES[exchange.content_type]
    form, coding, bounds = FORMS[media_type], CODINGS["zstd"], DEFAULT_BOUNDS

    reading = time_of(lambda: read(exchange.body, query, bounds))
    asked = read(exchange.body, query, bounds)
    describing = time_of(lambda: sketch(asked, form, coding, bounds))
    layout = sketch(asked, form, coding, bounds).layout
    tiles = [(drawing, tile) for drawing in layout.drawings for tile in drawing.tiles]
    # One after the other and dropped, as the server does it: sixty clips' runs at a time would not fit into the caches.
    drawing = sum(time_of(lambda p=p, d=d: drawn(d, p, coding), _SECONDS / len(tiles)) for d, p in tiles)  # type: ignore[misc]
    parts = [drawn(d, p, coding) for d, p in tiles]
    encoding = sum(time_of(lambda p=p: coded(p, coding), _SECONDS / len(parts)) for p in parts)  # type: ignore[misc]
    size = layout.write(Errand()).length
    # Large bodies are sent chunk by chunk.
    join = b"".join if size <= _ONE_MESSAGE else list
    writing = time_of(lambda: join(layout.write(Errand()).chunks))
    spent = Spent(reading, describing, drawing, encoding, max(0.0, writing - drawing - encoding), 0)
    points = sum(clip.nbytes for clip in asked.clips)
    pixels = sum(4 * part.pixels if isinstance(part, SeparablePatches) else part.values.nbytes for part in parts)
    floor = Spent(copy_of(points), 0, copy_of(pixels), copy_of(size), copy_of(size), 0)
    return each(spent, count), each(floor, count)


def drawn(drawing: Drawing, tile: Tile, coding: Coding) -> PixelRuns | SeparablePatches:
    """A tile as the server draws it."""
    return (drawing.patches(tile) if coding.encode_patches else None) or drawing.draw(tile)


def coded(part: PixelRuns | SeparablePatches, coding: Coding) -> object:
    """What was drawn, as the server codes it."""
    return (
        coding.encode_patches(part)
        if isinstance(part, SeparablePatches) and coding.encode_patches
        else coding.encode_runs(part)
    )


def quickest(spent: Sequence[Spent]) -> Spent:
    """Of each stage the least of several measurements."""
    return Spent(*map(min, zip(*map(astuple, spent), strict=True)))


def each(spent: Spent, count: int) -> Spent:
    """A clip's part of a request of many."""
    parts = (spent.read, spent.describe, spent.draw, spent.encode, spent.assemble, spent.http)
    return Spent(*(part / count for part in parts))


def under_load(ours: Server, cores: Cores, exchange: Exchange) -> tuple[float, float]:
    """Processor microseconds a request, of heatsvc and of the bare route that sends the same; the quickest of turns."""
    body, headers = ask(ours.port, exchange)
    with servers.bare_service(cores.server, body, stored_headers(headers)) as bare:
        turns = [[turn(server, exchange, body, _UNDER_LOAD).cpu for server in (ours, bare)] for _ in range(_ROUNDS)]
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
