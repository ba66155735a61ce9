"""`make bench`: heatsvc next to its peers, side by side in one run on one core.

    python -m benchmarks.bench [--quick]

Servers run on one core, as a user starts them: `heatsvc serve` and `uvicorn` with their defaults, access logs included;
the client has another core if there is one. Servers take turns in rounds; a figure is the median of its rounds and a
ratio the median of the rounds' ratios, so that a change of the machine's speed affects both sides. heatsvc's pixels are
compared with MMAction2's before anything is timed.

(a) requests per second of `POST /heatmap`, one clip, and processor time per request, against the plain service
(b) clips per second in one request of 64, against MMAction2 in process, which only renders
(c) bytes of the body in each dtype, against zstd level 1 of the same array
(d) requests per second, against a bare route that responds with the same bytes
(e) growth of the server's peak memory by one response of 941 MB without content coding
(f) clips per second from keypoints to zstd in process, against MMAction2's rendering and zstd level 1
(g) processor time per request, one clip in npy, against the same server without its access log
(h) a dense float32 volume into an array that exists, in process, against filling that array with zeros
(i) a round trip by `heatsvc.client`, from the call to the array, against `http.client` and one `decompress`
(j) milliseconds from a file dropped on the page to its first picture, in Chromium
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from statistics import median
from time import perf_counter
from typing import Literal

import numpy as np
import zstandard

from benchmarks import inputs, servers
from benchmarks.in_process import encode_rate, mmaction2, volumes_of
from benchmarks.inputs import KEYPOINTS, LIMBS, MANY
from benchmarks.load import Request, run_load, send_request
from benchmarks.page import first_picture
from benchmarks.report import Machine, Report, Row
from benchmarks.responses import check_many, check_same, count_bytes, npy_array
from benchmarks.round_trip import round_trips
from benchmarks.servers import PEERS, Cores, Server
from heatsvc.render.array import render_array
from heatsvc.volume import HeatmapVolume

_NOT_STORED = {"date", "server", "content-length", "connection"}


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to measure.

    Attributes:
        seconds: under load, of a server's turn.
        rounds: turns of each server.
        many_rounds: turns in (b), of which the in-process peer needs seconds for one.
        peer_clips: clips that this peer renders in a turn.
    """

    seconds: float
    rounds: int
    many_rounds: int
    peer_clips: int


FULL = Effort(seconds=2.0, rounds=7, many_rounds=7, peer_clips=MANY)
QUICK = Effort(seconds=1.0, rounds=2, many_rounds=1, peer_clips=16)


@dataclass(frozen=True, slots=True)
class Turn:
    """A server under load in one round: requests per second, and its processor time per request in microseconds."""

    rate: float
    cpu: float


def main() -> None:
    """Measure, print the table and, unless `--quick`, write the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench", description="heatsvc next to its peers")
    parser.add_argument("--quick", action="store_true", help="shorter turns, nothing written")
    quick = parser.parse_args().quick
    effort = QUICK if quick else FULL

    subprocess.run([str(PEERS / "install.sh")], check=True)
    cores = Cores.available()
    os.sched_setaffinity(0, {cores.client})
    rows: list[Row] = []
    with servers.heatsvc(cores.server) as ours:
        rows += single_clip(ours, cores, effort)
        many_rows, peer_numpy = many_clips(ours, cores, effort)
        rows += many_rows
        rows += body_sizes(ours)
        rows += client_round_trips(ours, effort)
    rows += memory_growth(cores)
    rows += access_log_cost(cores, effort)
    rows += dense_floor(cores, effort)
    say("first picture on the page")
    os.sched_setaffinity(0, {cores.client, cores.server})  # a browser is several processes
    with servers.heatsvc(None) as ours:
        rows += first_picture(ours, effort.rounds)
    rows.sort(key=lambda row: row.item)
    report = Report(date.today(), Machine.here(peer_numpy, cores), tuple(rows))
    print(report.text())
    if not quick:
        print(f"\nwritten: {report.save().relative_to(servers.ROOT)}, README.md, bench.svg")


def single_clip(ours: Server, cores: Cores, effort: Effort) -> list[Row]:
    """(a) and (d)."""
    clip = inputs.one_clip()
    kinds = {
        "JSON body": (clip.json_request(KEYPOINTS), 60),
        "JSON body, float64 digits": (clip.json_request(KEYPOINTS, float64_digits=True), None),
        "npy body": (clip.npy_request(KEYPOINTS), 100),
    }
    rows = []
    with servers.plain_service(cores.server) as plain:
        for kind, (request, target) in kinds.items():
            say(f"requests per second, {kind}")
            body, headers = send_request(ours.port, request)
            plain_body, _ = send_request(plain.port, request)
            check_same(npy_array(body), npy_array(plain_body), "keypoints")
            with servers.bare_service(cores.server, body, stored_headers(headers)) as bare:
                turns = take_turns({plain: plain_body, ours: body, bare: body}, request, effort.seconds, effort.rounds)
            rows += in_turns("a", kind, turns, "plain", "plain service", target)
            rows += in_turns("d", kind, turns, "bare", "bare route")
    return rows


def in_turns(
    item: str, what: str, turns: dict[str, list[Turn]], peer: str, peer_name: str, target: float | None = None
) -> list[Row]:
    """The rows of heatsvc and a peer that took turns."""
    rates = {name: [each.rate for each in got] for name, got in turns.items()}
    cpu = {name: [each.cpu for each in got] for name, got in turns.items()}
    return [
        against(item, what, "requests per second", rates["heatsvc"], rates[peer], peer_name, target),
        against(item, what, "processor µs per request", cpu["heatsvc"], cpu[peer], peer_name),
    ]


def many_clips(ours: Server, cores: Cores, effort: Effort) -> tuple[list[Row], str]:
    """(b) and (f), and the NumPy version of the peers."""
    clips = inputs.many_clips()
    rows = []
    with mmaction2(clips, cores.server) as peer:
        for kind, step in (("keypoints", KEYPOINTS), ("limbs", LIMBS)):
            say(f"clips per second, {kind}")
            first, sums = peer.rendered(step)
            peer_rates: list[float] = []
            ours_rates: dict[str, list[float]] = {}
            bodies = {
                "JSON": inputs.many_json_request(clips, step),
                "a form of .npy files": inputs.many_form_request(clips, step),
            }
            expected = {name: send_request(ours.port, request)[0] for name, request in bodies.items()}
            for body in expected.values():
                check_many(body, first, sums, kind)
            volumes = volumes_of(clips, step)
            encoded: list[float] = []
            peer_encoded: list[float] = []
            for _ in range(effort.many_rounds):
                with servers.on_core(cores.server):
                    encode_rate(volumes, 1)
                    encoded.append(encode_rate(volumes, 50))
                peer_encoded.append(peer.rate(step, effort.peer_clips, zstd=1))
                peer_rates.append(peer.rate(step, effort.peer_clips))
                for name, request in bodies.items():
                    rate = MANY * turn(ours, request, expected[name], effort.seconds, connections=1).rate
                    ours_rates.setdefault(name, []).append(rate)
            for name, rates in ours_rates.items():
                what = f"{MANY} clips in {name}, {kind}"
                rows.append(against("b", what, "clips per second", rates, peer_rates, "MMAction2 in process", 80))
            target = 150 if step is KEYPOINTS else None
            what = f"keypoints to zstd, {kind}"
            rows.append(
                against("f", what, "clips per second", encoded, peer_encoded, "MMAction2 and zstd level 1", target)
            )
    return rows, peer.numpy


def body_sizes(ours: Server) -> list[Row]:
    """(c)."""
    say("body sizes")
    clip = inputs.one_clip()
    compressor = zstandard.ZstdCompressor(level=1)
    rows = []
    for kind, step in (("keypoints", KEYPOINTS), ("limbs", LIMBS)):
        for dtype in ("float32", "float16", "uint8"):
            body, _ = send_request(ours.port, clip.npy_request(step, dtype))
            ordinary = len(compressor.compress(inputs.npy_bytes(npy_array(body))))
            target = None if dtype == "float32" else 1  # float32 is written fast, unless small is asked for
            what = f"zstd body, {kind}, {dtype}"
            rows.append(Row("c", what, "bytes", len(body), ordinary, "zstd level 1", target, bound="ratio at most"))
            if dtype == "float32":
                body, _ = send_request(ours.port, clip.npy_request(step, dtype, compression="small"))
                what += ", compression=small"
                rows.append(Row("c", what, "bytes", len(body), ordinary, "zstd level 1", 1, bound="ratio at most"))
    return rows


def memory_growth(cores: Cores) -> list[Row]:
    """(e), of a server that has had small requests only."""
    say("peak memory")
    request = inputs.long_clip_request()
    with servers.heatsvc(cores.server) as ours:
        for _ in range(3):
            send_request(ours.port, inputs.one_clip().npy_request(KEYPOINTS))
        ours.reset_peak_memory()
        before = ours.peak_memory()
        size = count_bytes(ours, request)
        growth = ours.peak_memory() - before
    what = f"peak memory, one identity response of {size / 1e6:.0f} MB"
    return [Row("e", what, "MB", growth / 1e6, None, "", 64, bound="figure under", digits=1)]


def access_log_cost(cores: Cores, effort: Effort) -> list[Row]:
    """(g)."""
    say("access log")
    request = inputs.one_clip().npy_request(KEYPOINTS)
    with servers.heatsvc(cores.server) as logging, servers.heatsvc(cores.server, access_log="false") as silent:
        body, _ = send_request(logging.port, request)
        turns = [
            # Small differences need many rounds.
            [turn(server, request, body, effort.seconds / 4).cpu for server in (logging, silent)]
            for _ in range(4 * effort.rounds)
        ]
    ours, peer = map(list, zip(*turns, strict=True))
    what, unit = "npy body, with the access log", "processor µs per request"
    return [against("g", what, unit, ours, peer, "without it", 1.15, "ratio at most")]


def dense_floor(cores: Cores, effort: Effort) -> list[Row]:
    """(h)."""
    say("dense volumes")
    volumes = volumes_of(inputs.many_clips(), KEYPOINTS)
    out = np.ones(volumes[0].shape, np.float32)

    def seconds(work: Callable[[HeatmapVolume], object]) -> float:
        started = perf_counter()
        for volume in volumes:
            work(volume)
        return 1e6 * (perf_counter() - started) / len(volumes)

    with servers.on_core(cores.server):
        rounds = [
            (seconds(lambda volume: render_array(volume, out=out)), seconds(lambda _: out.fill(0)))
            for _ in range(5 * effort.rounds)
        ]
    ours, peer = map(list, zip(*rounds, strict=True))
    what = "one clip, dense float32 with out=, keypoints"
    return [against("h", what, "µs", ours, peer, "filling the array", 1.3, "ratio at most")]


def client_round_trips(ours: Server, effort: Effort) -> list[Row]:
    """(i)."""
    say("round trips of the client")
    rows = []
    for name, pairs in round_trips(ours, 4 * effort.rounds).items():
        mine, peer = map(list, zip(*pairs, strict=True))
        what = f"one clip by {name}, keypoints, float32"
        rows.append(against("i", what, "µs", mine, peer, "http.client and one decompress", 1.5, "ratio at most"))
    return rows


def stored_headers(headers: dict[str, str]) -> dict[str, str]:
    """The headers of a response that the bare route repeats; the others are set by its server."""
    return {name: value for name, value in headers.items() if name not in _NOT_STORED}


def take_turns(
    expected_bodies: dict[Server, bytes], request: Request, seconds: float, rounds: int
) -> dict[str, list[Turn]]:
    """Put each server under load in each round; its responses must have the expected body."""
    turns: dict[str, list[Turn]] = {server.name: [] for server in expected_bodies}
    for _ in range(rounds):
        for server, expected in expected_bodies.items():
            turns[server.name].append(turn(server, request, expected, seconds))
    return turns


def turn(server: Server, request: Request, expected: bytes, seconds: float, connections: int = 4) -> Turn:
    """Measure a server under load, after a short time under load that does not count."""
    run_load(server.port, request, expected, seconds=seconds / 8, connections=connections)
    busy = server.cpu_seconds()
    load = run_load(server.port, request, expected, seconds=seconds, connections=connections)
    return Turn(load.rate, (server.cpu_seconds() - busy) / load.requests * 1e6)


def against(
    item: str,
    what: str,
    unit: str,
    ours: list[float],
    theirs: list[float],
    peer: str,
    target: float | None = None,
    bound: Literal["ratio at least", "ratio at most"] = "ratio at least",
) -> Row:
    """The row of two figures that were measured in the same rounds."""
    pairs = tuple((round(a, 1), round(b, 1)) for a, b in zip(ours, theirs, strict=True))
    return Row(item, what, unit, median(ours), median(theirs), peer, target, bound, rounds=pairs)


def say(what: str) -> None:
    """Print progress to standard error."""
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
