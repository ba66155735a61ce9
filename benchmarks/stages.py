"""Where the time of one request goes, in process: microseconds of each stage, for the clip of `bench.py`.

    python -m benchmarks.stages

HTTP is not in it: what a route costs before it does anything is the bare route of `bench.py`.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from statistics import median
from time import perf_counter

import orjson

from benchmarks import inputs
from benchmarks.inputs import KEYPOINTS, LIMBS, MANY
from benchmarks.load import Exchange
from benchmarks.servers import Cores, on_core
from heatsvc.api.answer import sketch
from heatsvc.api.clips import BODIES
from heatsvc.api.service import warm
from heatsvc.bounds import DEFAULT_BOUNDS
from heatsvc.encode.codings import CODINGS
from heatsvc.encode.crew import Crew
from heatsvc.encode.forms import FORMS
from heatsvc.pose.readers import lift

STAGES = ("parse JSON", "build clip", "pipeline, plan", "draw", "encode", "assemble", "all")
_SECONDS = 1.0


def main() -> None:
    """Print the table."""
    clip, clips = inputs.one_clip(), inputs.many_clips()
    requests = {
        "JSON, keypoints": (clip.json_exchange(KEYPOINTS), "application/x-npy", 1),
        "npy, keypoints": (clip.npy_exchange(KEYPOINTS), "application/x-npy", 1),
        "npy, limbs": (clip.npy_exchange(LIMBS), "application/x-npy", 1),
        f"JSON, 1 of {MANY}": (inputs.many_json_exchange(clips, KEYPOINTS), "application/vnd.safetensors", MANY),
        f"limbs, 1 of {MANY}": (inputs.many_json_exchange(clips, LIMBS), "application/vnd.safetensors", MANY),
    }
    with on_core(Cores.available().server):
        warm()
        gc.freeze()  # as the server does once it is warm
        columns = [[spent / count for spent in stages(exchange, form)] for exchange, form, count in requests.values()]
    widths = [max(len(name), 8) for name in requests]
    print("µs a clip".ljust(16) + "  ".join(name.rjust(width) for name, width in zip(requests, widths, strict=True)))
    for stage, *spent in zip(STAGES, *columns, strict=True):
        cells = (f"{value:,.0f}".rjust(width) for value, width in zip(spent, widths, strict=True))
        print(stage.ljust(16) + "  ".join(cells))


def stages(exchange: Exchange, media_type: str) -> list[float]:
    """Microseconds of each of STAGES, for a whole request answered in zstd."""
    query = exchange.path.partition("?")[2].encode()
    read = BODIES[exchange.content_type]
    form, coding, bounds = FORMS[media_type], CODINGS["zstd"], DEFAULT_BOUNDS

    is_json = exchange.content_type == "application/json"
    parse = time_of(lambda: parsed(exchange.body)) if is_json else 0.0
    reading = time_of(lambda: read(exchange.body, query, bounds))
    asked = read(exchange.body, query, bounds)
    planning = time_of(lambda: sketch(asked, Crew(), bounds))
    drawings = sketch(asked, Crew(), bounds).drawings
    pieces = [(drawing, piece) for drawing in drawings for piece in drawing.pieces]
    drawing_time = time_of(lambda: [drawing.draw(piece) for drawing, piece in pieces])
    runs = [drawing.draw(piece) for drawing, piece in pieces]
    encoding = time_of(lambda: [coding.code_runs(each) for each in runs])
    writing = time_of(lambda: form.write(drawings, coding, Crew(), bounds))
    whole = time_of(
        lambda: form.write(sketch(read(exchange.body, query, bounds), Crew(), bounds).drawings, coding, Crew(), bounds)
    )
    return [parse, reading - parse, planning, drawing_time, encoding, writing - drawing_time - encoding, whole]


def parsed(body: bytes) -> object:
    """JSON without its lists of keypoints, and those as arrays."""
    lifted = lift(body, DEFAULT_BOUNDS.max_input_values)
    return lifted and (orjson.loads(lifted.text), lifted)


def time_of(work: Callable[[], object]) -> float:
    """Microseconds that `work` takes, the median of as many times as fit into a second."""
    work()
    times: list[float] = []
    end = perf_counter() + _SECONDS
    while (start := perf_counter()) < end or len(times) < 3:
        work()
        times.append(perf_counter() - start)
    return median(times) * 1e6


if __name__ == "__main__":
    main()
