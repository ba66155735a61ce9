"""`make soak`: a mixed load for a quarter of an hour, and whether the server's memory grows.

    python -m benchmarks.soak [--minutes 15] [--write]

One client for each kind of request: JSON and npy, one clip and 64, forms, bodies that are refused, responses that are
streamed without content coding, and clients that disconnect while they send or while they read. Resident memory, of
all processes of the server, is sampled every few seconds. It is flat if the median of the last third of the samples is
at most 10 % above that of the first third.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from statistics import median

import numpy as np
import uvloop

from benchmarks import inputs
from benchmarks.client import Connection
from benchmarks.inputs import KEYPOINTS, LIMBS, MANY
from benchmarks.processes import resident_bytes
from benchmarks.report import Machine, save_results
from benchmarks.servers import Cores, Server, heatsvc

MAX_GROWTH = 1.10
_SAMPLES = 180  # in a run; every 5 s in one of 15 minutes
_PAUSE = 0.02
_TIMEOUT = 60.0
_ACCEPTED = frozenset({200, 503})
_REFUSALS = frozenset({400, 415, 422, 503})


def main() -> None:
    """Measure and print; `--write` writes results/soak-DATE.json."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description="a mixed load, and memory")
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    cores = Cores.available()
    os.sched_setaffinity(0, {cores.client})
    with heatsvc(cores.server) as server:
        counts, memory = uvloop.run(soak(server, 60 * options.minutes))
    third = len(memory) // 3
    first, last = median(memory[:third]), median(memory[-third:])
    is_flat = last <= MAX_GROWTH * first
    width = max(map(len, counts))
    for kind, count in sorted(counts.items()):
        print(f"{kind.ljust(width)}  {count:9,}")
    print(
        f"resident memory of {len(memory)} samples: first third {first / 1e6:.0f} MB, last third {last / 1e6:.0f} MB, "
        f"peak {max(memory) / 1e6:.0f} MB   ratio {last / first:.3f}, at most {MAX_GROWTH}: "
        f"{'flat' if is_flat else 'not flat'}"
    )
    if options.write:
        machine = asdict(Machine.here(np.__version__, cores))
        content = {"machine": machine, "minutes": options.minutes, "counts": counts, "memory": memory}
        print(f"written: {save_results('soak', content).name}")
    if not is_flat or any(kind.startswith("unexpected") for kind in counts):
        sys.exit(1)


async def soak(server: Server, seconds: float) -> tuple[Counter[str], list[int]]:
    """Put a server under load; responses and disconnects by their kind, and samples of resident memory in bytes."""
    clip, clips = inputs.one_clip(), inputs.many_clips()
    streamed = inputs.long_clip_request(frames=48)
    refused = {
        "broken JSON": replace(clip.json_request(KEYPOINTS), body=b'{"keypoint": [[['),
        "no such step": clip.json_request({"type": "NoSuchStep"}),
        "no npy": replace(clip.npy_request(KEYPOINTS), body=bytes(30_000)),
        "media type": replace(clip.npy_request(KEYPOINTS), content_type="text/plain"),
    }
    accepted = {
        "JSON": clip.json_request(KEYPOINTS),
        "npy": clip.npy_request(LIMBS),
        f"JSON, {MANY} clips": inputs.many_json_request(clips, KEYPOINTS),
        f"form, {MANY} files": inputs.many_form_request(clips, KEYPOINTS),
        "identity, streamed": streamed,
    }
    counts: Counter[str] = Counter()
    port = server.port

    async def send(connection: Connection, kind: str, data: bytes, statuses: frozenset[int]) -> None:
        response = await connection.send(data, _TIMEOUT)
        prefix = "" if response.status in statuses else "unexpected: "
        counts[f"{prefix}{kind}: {response.status}"] += 1

    async def disconnect(connection: Connection, kind: str, data: bytes, read: int) -> None:
        async with asyncio.timeout(_TIMEOUT):
            await connection.send_and_disconnect(data, read)
        counts[kind] += 1

    many = accepted[f"JSON, {MANY} clips"].wire(port)
    clients = [
        *(partial(send, kind=kind, data=each.wire(port), statuses=_ACCEPTED) for kind, each in accepted.items()),
        *(partial(send, kind=kind, data=each.wire(port), statuses=_REFUSALS) for kind, each in refused.items()),
        partial(disconnect, kind="disconnected while sending", data=many[: len(many) // 2], read=0),
        partial(disconnect, kind="disconnected while waiting", data=many, read=0),
        partial(disconnect, kind="disconnected while reading", data=streamed.wire(port), read=1 << 20),
    ]
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds

    async def repeat(client: Callable[[Connection], Awaitable[None]]) -> None:
        connection = Connection(port)
        while loop.time() < end:
            try:
                await client(connection)
            except (OSError, EOFError, ValueError, TimeoutError) as error:
                counts[f"unexpected: {type(error).__name__}"] += 1
                connection.close()
            await asyncio.sleep(_PAUSE)
        connection.close()

    tasks = [asyncio.create_task(repeat(client)) for client in clients]
    memory: list[int] = []
    while loop.time() < end:
        await asyncio.sleep(seconds / _SAMPLES)
        with suppress(OSError):
            memory.append(resident_bytes(server.pid))
    await asyncio.gather(*tasks)
    return counts, memory


if __name__ == "__main__":
    main()
