"""(i): a clip's volume by `heatsvc.client`, from the call to the array, beside the least that Python can do.

    python -m benchmarks.round_trip

The peer sends the same bytes by `http.client` on a kept connection, and decodes the body by one `decompress`; it makes
no array. Both take turns, one request at a time, on the client's core. The first responses must hold the same pixels.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from http.client import HTTPConnection
from statistics import median
from time import perf_counter

import zstandard

from benchmarks import servers
from benchmarks.inputs import KEYPOINTS, SIDE, Clip, one_clip
from benchmarks.load import HOST
from benchmarks.servers import Cores, Server
from heatsvc.client import AsyncClient, Client

_REQUESTS = 20


def round_trips(server: Server, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Microseconds a round trip of each client and of its peer, in pairs of one round.

    Args:
        server: that renders.
        rounds: how many.
    """
    clip = one_clip()
    request = clip.npy_request(KEYPOINTS)
    connection = HTTPConnection(HOST, server.port)

    def send_and_decompress() -> bytes:
        connection.request("POST", request.path, request.body, request.headers)
        return zstandard.ZstdDecompressor().decompress(connection.getresponse().read())

    pairs: dict[str, list[tuple[float, float]]] = {"Client": [], "AsyncClient": []}
    url = f"http://{HOST}:{server.port}"
    try:
        with Client(url) as client, asyncio.Runner() as runner:
            asynchronous = runner.run(_opened(url))
            ways = {
                "Client": lambda: _repeat(client, clip),
                "AsyncClient": lambda: runner.run(_repeat_async(asynchronous, clip)),
            }
            imgs = client.heatmap(clip.array(), img_shape=(SIDE, SIDE), pipeline=[KEYPOINTS])
            assert send_and_decompress().endswith(imgs.tobytes())
            for _ in range(rounds):
                for name, way in ways.items():
                    theirs = _microseconds(lambda: [send_and_decompress() for _ in range(_REQUESTS)])
                    pairs[name].append((_microseconds(way), theirs))
            runner.run(asynchronous.aclose())
    finally:
        connection.close()
    return pairs


async def _opened(url: str) -> AsyncClient:
    return AsyncClient(url)


def _repeat(client: Client, clip: Clip) -> None:
    for _ in range(_REQUESTS):
        client.heatmap(clip.array(), img_shape=(SIDE, SIDE), pipeline=[KEYPOINTS])


async def _repeat_async(client: AsyncClient, clip: Clip) -> None:
    for _ in range(_REQUESTS):
        await client.heatmap(clip.array(), img_shape=(SIDE, SIDE), pipeline=[KEYPOINTS])


def _microseconds(work: Callable[[], object]) -> float:
    """A request's share of the time of them all."""
    started = perf_counter()
    work()
    return 1e6 * (perf_counter() - started) / _REQUESTS


def main() -> None:
    """Measure and print the medians."""
    cores = Cores.available()
    os.sched_setaffinity(0, {cores.client})
    with servers.heatsvc(cores.server) as server:
        for name, pairs in round_trips(server, 30).items():
            ours, theirs = (median(side) for side in zip(*pairs, strict=True))
            ratio = median(mine / peer for mine, peer in pairs)
            print(f"{name}: {ours:,.0f} µs, http.client and one decompress: {theirs:,.0f} µs, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
