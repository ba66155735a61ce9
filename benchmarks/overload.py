"""`make bench-overload`: more requests than one worker can serve, from many connections that never pause.

    python -m benchmarks.overload [--seconds 40] [--connections 640] [--cold] [--command '... {port}'] [--write]

Nine of ten requests have one clip, one has 64; all are JSON with a response in uint8 and zstd. For eight seconds before
the load, one connection sends them, one at a time. All connections are open before the load begins; with `--cold` each
is opened under load. A connection sends its next request when it has the response, or 50 ms after a refusal, whatever
Retry-After says. The only right responses are 200 with the expected body and 503 with Retry-After. `--command` measures
another server after this one, and compares the 99th percentiles.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shlex
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from statistics import quantiles

import numpy as np
import uvloop

from benchmarks import inputs
from benchmarks.client import Connection
from benchmarks.inputs import KEYPOINTS, MANY
from benchmarks.load import send_request
from benchmarks.processes import resident_bytes
from benchmarks.report import Machine, Row, save_results, text_table
from benchmarks.servers import Cores, Server, heatsvc, start_server

MANY_SHARE = 0.1
MAX_P99_RATIO = 0.1
MAX_MEMORY_RATIO = 1.2
_PAUSE = 0.05
_TIMEOUT = 90.0
_SETTLE_SECONDS = 10.0
_UNLOADED_SECONDS = 8.0


@dataclass(slots=True)
class Overload:
    """What one server did.

    Attributes:
        statuses: responses by what they were: `200`, `503`, or what is wrong.
        seconds: that each accepted request took, by its kind.
        memory: resident bytes of all processes before, with one connection at a time; at the peak; ten seconds after.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=lambda: {"one clip": [], f"{MANY} clips": []})
    memory: list[int] = field(default_factory=list)

    @property
    def wrong(self) -> dict[str, int]:
        """Responses that are neither 200 nor 503 with Retry-After."""
        return {status: count for status, count in self.statuses.items() if status not in ("200", "503")}

    def percentiles(self, kind: str) -> tuple[float, float]:
        """Seconds that the median and the 99th of 100 accepted requests took; not a number, without two of them."""
        if len(self.seconds[kind]) < 2:
            return float("nan"), float("nan")
        cuts = quantiles(self.seconds[kind], n=100)
        return cuts[49], cuts[98]


def main() -> None:
    """Measure and print; `--write` writes results/overload-DATE.json."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overload", description="one worker under overload")
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--connections", type=int, default=640)
    parser.add_argument("--cold", action="store_true", help="open each connection with its first request, under load")
    parser.add_argument("--command", help="another server that is measured, too; {port} in it is replaced")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    cores = Cores.available()
    os.sched_setaffinity(0, {cores.client})
    measured: dict[str, Overload] = {}
    with heatsvc(cores.server) as server:
        measured["heatsvc"] = uvloop.run(overload(server, options.connections, options.seconds, options.cold))
    if options.command:
        with start_server("other", shlex.split(options.command), cores.server) as server:
            measured["other"] = uvloop.run(overload(server, options.connections, options.seconds, options.cold))
    rows = make_rows(measured["heatsvc"], measured.get("other"), options.seconds)
    print(text_table(rows))
    for name, each in measured.items():
        print(f"{name}: responses {dict(each.statuses)}")
    if options.write:
        content = {
            "machine": asdict(Machine.here(np.__version__, cores)),
            "seconds": options.seconds,
            "connections": options.connections,
            "statuses": {name: each.statuses for name, each in measured.items()},
            "rows": [{**asdict(row), "ratio": row.ratio, "met": row.met} for row in rows],
        }
        print(f"written: {save_results('overload', content).name}")
    if measured["heatsvc"].wrong:
        sys.exit(1)


async def overload(server: Server, connections: int, seconds: float, cold: bool) -> Overload:
    """Put a server under load, and look at it again ten seconds later."""
    requests = {
        "one clip": inputs.one_clip().json_request(KEYPOINTS, dtype="uint8"),
        f"{MANY} clips": inputs.many_json_request(inputs.many_clips(), KEYPOINTS, dtype="uint8"),
    }
    expected = {kind: send_request(server.port, request)[0] for kind, request in requests.items()}
    wires = {kind: request.wire(server.port) for kind, request in requests.items()}
    now = asyncio.get_running_loop().time
    await _load(Connection(server.port), wires, expected, now() + _UNLOADED_SECONDS, random.Random(0), Overload())
    result = Overload()
    result.memory = [resident_bytes(server.pid)] * 2
    clients = [Connection(server.port) for _ in range(connections)]
    if not cold:
        await asyncio.gather(*(client.open() for client in clients))
        await asyncio.sleep(1)
    end = now() + seconds
    monitor = asyncio.create_task(_record_peak(server, result))
    await asyncio.gather(
        *(_load(client, wires, expected, end, random.Random(seed), result) for seed, client in enumerate(clients))
    )
    await asyncio.sleep(_SETTLE_SECONDS)
    monitor.cancel()
    result.memory.append(resident_bytes(server.pid))
    return result


async def _load(
    connection: Connection,
    wires: Mapping[str, bytes],
    expected: Mapping[str, bytes],
    end: float,
    generator: random.Random,
    result: Overload,
) -> None:
    loop = asyncio.get_running_loop()
    one, many = wires
    while loop.time() < end:
        kind = many if generator.random() < MANY_SHARE else one
        try:
            response = await connection.send(wires[kind], _TIMEOUT)
        except (OSError, EOFError, ValueError, TimeoutError) as error:
            result.statuses[type(error).__name__] += 1
            connection.close()
            await asyncio.sleep(_PAUSE)
            continue
        status = str(response.status)
        if status == "200":
            result.seconds[kind].append(response.seconds)
            status = status if response.body == expected[kind] else "200 with another body"
        elif status == "503" and "retry-after" not in response.headers:
            status = "503 without Retry-After"
        result.statuses[status] += 1
        if status != "200":
            await asyncio.sleep(_PAUSE)
    connection.close()


async def _record_peak(server: Server, result: Overload) -> None:
    while True:
        with suppress(OSError):
            result.memory[1] = max(result.memory[1], resident_bytes(server.pid))
        await asyncio.sleep(0.25)


def make_rows(ours: Overload, other: Overload | None, seconds: float) -> list[Row]:
    """The table's rows: times of accepted requests, beside the other server's if there is one, and memory."""

    def row(what: str, unit: str, figure: Callable[[Overload], float], target: float | None = None) -> Row:
        peer = None if other is None else figure(other)
        return Row("", what, unit, figure(ours), peer, "other server", target, "ratio at most")

    before, peak, after = (size / 1e6 for size in ours.memory)
    rows = [row("accepted", "requests per second", lambda each: each.statuses["200"] / seconds)]
    rows += [row("refused with 503", "requests per second", lambda each: each.statuses["503"] / seconds)]
    for kind in ours.seconds:
        target = MAX_P99_RATIO if kind == "one clip" else None
        rows += [row(f"{kind}, median", "ms", lambda each, kind=kind: 1e3 * each.percentiles(kind)[0])]  # type: ignore[misc]
        rows += [row(f"{kind}, p99", "ms", lambda each, kind=kind: 1e3 * each.percentiles(kind)[1], target)]  # type: ignore[misc]
    return [
        *rows,
        Row("", "wrong responses", "number", sum(ours.wrong.values()), None, "", 1, "figure under"),
        Row("", "resident memory, peak", "MB", peak, before, "before"),
        Row("", "resident memory, ten seconds after", "MB", after, before, "before", MAX_MEMORY_RATIO, "ratio at most"),
    ]


if __name__ == "__main__":
    main()
