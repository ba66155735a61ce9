"""Where the time of one request goes: microseconds of processor time of each stage, per clip.

    python -m benchmarks.stages [--write]

For the clip of `bench.py`, and for one of 64 in a request. All stages but HTTP are measured in this process, by the
functions that the server calls. HTTP is the remainder: the server's processor time of a request under load, less the
other stages. The bare route reads the same request and sends the same bytes. `--write` puts the table into the README.
"""

from __future__ import annotations

import argparse
import gc
import os
from collections.abc import Callable
from datetime import date
from statistics import quantiles
from time import perf_counter

from benchmarks import inputs, servers
from benchmarks.bench import stored_headers, turn
from benchmarks.inputs import KEYPOINTS, LIMBS, MANY
from benchmarks.load import Request, send_request
from benchmarks.report import replace_in_readme
from benchmarks.servers import Cores, Server, on_core
from heatsvc.api.memory import keep_freed_memory
from heatsvc.api.request import BODIES
from heatsvc.bounds import DEFAULT_BOUNDS
from heatsvc.cancel import NEVER_CANCELLED
from heatsvc.encode.codings import CODINGS
from heatsvc.encode.formats import FORMATS
from heatsvc.encode.job import RenderJob

STAGES = ("read, check", "pipeline, plan", "render", "encode", "assemble")
_SECONDS = 0.4
_PASSES = 4
_UNDER_LOAD = 3.0
_ROUNDS = 5


def main() -> None:
    """Print the table, and write it if `--write` is given."""
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
        gc.collect()
        gc.freeze()  # as the server does when it starts
        gc.set_threshold(200_000, 20, 100)
        passes = [
            [measure(request, media_type) for request, media_type, _ in requests.values()] for _ in range(_PASSES)
        ]
    os.sched_setaffinity(0, {cores.client})
    columns: list[list[float]] = []
    with servers.heatsvc(cores.server) as ours:
        for (request, _, count), measured in zip(requests.values(), zip(*passes, strict=True), strict=True):
            stages = [min(times) for times in zip(*measured, strict=True)]
            total, bare = under_load(ours, cores, request)
            columns.append([each / count for each in (total - sum(stages), *stages, total, bare)])
    rows = [["microseconds of a core, per clip", *requests]]
    for name, *values in zip(("HTTP: everything else", *STAGES, "all", "bare route"), *columns, strict=True):
        rows.append([name, *(f"{value:,.0f}" for value in values)])
    rows.insert(1, ["---", *["---:"] * len(requests)])
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    print(table)
    if write:
        replace_in_readme("stages", f"{date.today().isoformat()}\n\n{table}")


def measure(request: Request, media_type: str) -> list[float]:
    """Microseconds of each of STAGES for a whole request with a response in zstd."""
    query = request.path.partition("?")[2].encode()
    read, format, coding = BODIES[request.content_type], FORMATS[media_type], CODINGS["zstd"]
    parsed = read(request.body, query, DEFAULT_BOUNDS, NEVER_CANCELLED)

    def plan() -> RenderJob:
        return parsed.plan(format, coding, DEFAULT_BOUNDS, NEVER_CANCELLED)

    def render() -> tuple[float, float, float]:
        job = plan()
        started = perf_counter()
        if job.is_whole:
            job.render()
        else:  # streamed: nothing is kept
            for item in job.items:
                job.add(item, item.run())
        seconds = perf_counter() - started
        return *job.seconds, seconds - sum(job.seconds)

    reading = quickest(lambda: (read(request.body, query, DEFAULT_BOUNDS, NEVER_CANCELLED),))
    return [*reading, *quickest(lambda: (plan(),)), *quickest(render, own_times=True)]


def quickest(work: Callable[[], tuple[object, ...]], *, own_times: bool = False) -> list[float]:
    """Microseconds of the quickest tenth of many calls of `work`, or of each of the times that it returns."""
    work()
    times = []
    end = perf_counter() + _SECONDS
    while (started := perf_counter()) < end or len(times) < 3:
        returned = work()
        times.append(returned if own_times else (perf_counter() - started,))
    return [quantiles(each, n=10)[0] * 1e6 for each in zip(*times, strict=True)]


def under_load(ours: Server, cores: Cores, request: Request) -> tuple[float, float]:
    """Processor microseconds a request of heatsvc and of the bare route that sends the same; the quickest of turns."""
    body, headers = send_request(ours.port, request)
    with servers.bare_service(cores.server, body, stored_headers(headers)) as bare:
        turns = [[turn(server, request, body, _UNDER_LOAD).cpu for server in (ours, bare)] for _ in range(_ROUNDS)]
    total, least = (min(column) for column in zip(*turns, strict=True))
    return total, least


if __name__ == "__main__":
    main()
