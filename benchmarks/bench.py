"""`make bench`: heatsvc next to its peers, side by side in one run on one core.

    python -m benchmarks.bench [--quick]

Every server is started here on one core and ended here; the client has another core where there is one. The peers take
turns in rounds; a figure is the median of its rounds, and a ratio that of the rounds' ratios, so that a machine that
slows down meanwhile slows all of them. Before the clock runs, heatsvc's pixels are compared with MMAction2's.

(a) requests a second of `POST /heatmap`, one clip, against the plain service, and the server's processor time a request
(b) clips a second in one request of 64, against MMAction2 in process, which only draws
(c) bytes of the body in each dtype, against zstd level 1 of the same array
(d) requests a second, against a bare route that answers the same bytes
(e) growth of the server's peak memory by one answer of 941 MB dense
(f) clips a second from coordinates to zstd in process, against MMAction2's drawing and zstd level 1
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import date
from statistics import median

import zstandard

from benchmarks import inputs, servers
from benchmarks.answers import check_many, check_same, count_decoded, npy_array
from benchmarks.in_process import coded_rate, mmaction2, volumes_of
from benchmarks.inputs import KEYPOINTS, LIMBS, MANY
from benchmarks.load import Exchange, ask, run_load
from benchmarks.report import Machine, Report, Row
from benchmarks.servers import PEERS, Cores, Server

_NOT_STORED = {"date", "server", "content-length", "connection"}


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to measure.

    Attributes:
        seconds: a turn under load.
        rounds: turns of each server.
        near_seconds, near_rounds: the same beside the bare route, which is so near that the machine's moods count.
        many_rounds: turns in (b), where the in-process peer takes seconds for one.
        peer_clips: clips that peer draws in a turn.
    """

    seconds: float
    rounds: int
    near_seconds: float
    near_rounds: int
    many_rounds: int
    peer_clips: int


FULL = Effort(seconds=2.0, rounds=7, near_seconds=0.4, near_rounds=40, many_rounds=7, peer_clips=MANY)
QUICK = Effort(seconds=1.0, rounds=2, near_seconds=0.4, near_rounds=5, many_rounds=1, peer_clips=16)


@dataclass(frozen=True, slots=True)
class Turn:
    """One server's figures of one round: requests a second, and its processor time a request in microseconds."""

    rate: float
    cpu: float


def main() -> None:
    """Measure, print the table and, unless `--quick`, write it down."""
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
    rows += memory_growth(cores)
    rows.sort(key=lambda row: row.item)
    report = Report(date.today(), Machine.here(peer_numpy, cores), tuple(rows))
    print(report.text())
    if not quick:
        print(f"\nwritten: {report.save().relative_to(servers.ROOT)}, README.md, bench.svg")


def single_clip(ours: Server, cores: Cores, effort: Effort) -> list[Row]:
    """(a) and (d)."""
    clip = inputs.one_clip()
    kinds = {
        "JSON body": (clip.json_exchange(KEYPOINTS), 60, 0.6),
        "JSON body, float64 digits": (clip.json_exchange(KEYPOINTS, float64_digits=True), None, None),
        "npy body": (clip.npy_exchange(KEYPOINTS), 100, 0.6),
    }
    rows = []
    with servers.plain_service(cores.server) as plain:
        for kind, (exchange, target, bare_target) in kinds.items():
            say(f"requests a second, {kind}")
            body, headers = ask(ours.port, exchange)
            plain_body, _ = ask(plain.port, exchange)
            check_same(npy_array(body), npy_array(plain_body), "keypoints")
            turns = take_turns({plain: plain_body, ours: body}, exchange, effort.seconds, effort.rounds)
            rows += in_turns("a", kind, turns, "plain", "plain service", target)
            with servers.bare_service(cores.server, body, stored_headers(headers)) as bare:
                turns = take_turns({ours: body, bare: body}, exchange, effort.near_seconds, effort.near_rounds)
            rows += in_turns("d", kind, turns, "bare", "bare route", bare_target)
    return rows


def in_turns(
    item: str, what: str, turns: dict[str, list[Turn]], peer: str, peer_name: str, target: float | None
) -> list[Row]:
    """The lines of heatsvc and a peer that took turns."""
    rates = {name: [each.rate for each in got] for name, got in turns.items()}
    cpu = {name: [each.cpu for each in got] for name, got in turns.items()}
    return [
        against(item, what, "requests a second", rates["heatsvc"], rates[peer], peer_name, target),
        against(item, what, "processor µs a request", cpu["heatsvc"], cpu[peer], peer_name),
    ]


def many_clips(ours: Server, cores: Cores, effort: Effort) -> tuple[list[Row], str]:
    """(b) and (f), and the NumPy version of the peers."""
    clips = inputs.many_clips()
    rows = []
    with mmaction2(clips, cores.server) as peer:
        for kind, step in (("keypoints", KEYPOINTS), ("limbs", LIMBS)):
            say(f"clips a second, {kind}")
            first, sums = peer.drawn(step)
            peer_rates: list[float] = []
            ours_rates: dict[str, list[float]] = {}
            bodies = {
                "JSON": inputs.many_json_exchange(clips, step),
                "a form of .npy files": inputs.many_form_exchange(clips, step),
            }
            expected = {name: ask(ours.port, exchange)[0] for name, exchange in bodies.items()}
            for body in expected.values():
                check_many(body, first, sums, kind)
            volumes = volumes_of(clips, step)
            coded: list[float] = []
            peer_coded: list[float] = []
            for _ in range(effort.many_rounds):
                with servers.on_core(cores.server):
                    coded_rate(volumes, 1)
                    coded.append(coded_rate(volumes, 50))
                peer_coded.append(peer.rate(step, effort.peer_clips, zstd=1))
                peer_rates.append(peer.rate(step, effort.peer_clips))
                for name, exchange in bodies.items():
                    rate = MANY * turn(ours, exchange, expected[name], effort.seconds, connections=1).rate
                    ours_rates.setdefault(name, []).append(rate)
            for name, rates in ours_rates.items():
                what = f"{MANY} clips in {name}, {kind}"
                rows.append(against("b", what, "clips a second", rates, peer_rates, "MMAction2 in process", 80))
            target = 150 if step is KEYPOINTS else None
            what = f"coordinates to zstd, {kind}"
            rows.append(against("f", what, "clips a second", coded, peer_coded, "MMAction2 and zstd level 1", target))
    return rows, peer.numpy


def body_sizes(ours: Server) -> list[Row]:
    """(c)."""
    say("body sizes")
    clip = inputs.one_clip()
    compressor = zstandard.ZstdCompressor(level=1)
    rows = []
    for kind, step in (("keypoints", KEYPOINTS), ("limbs", LIMBS)):
        for dtype in ("float32", "float16", "uint8"):
            body, _ = ask(ours.port, clip.npy_exchange(step, dtype))
            ordinary = len(compressor.compress(inputs.npy_bytes(npy_array(body))))
            target = None if dtype == "float32" else 1  # float32 is written fast, unless small is asked for
            what = f"zstd body, {kind}, {dtype}"
            rows.append(Row("c", what, "bytes", len(body), ordinary, "zstd level 1", target, bound="ratio at most"))
            if dtype == "float32":
                body, _ = ask(ours.port, clip.npy_exchange(step, dtype, compression="small"))
                what += ", compression=small"
                rows.append(Row("c", what, "bytes", len(body), ordinary, "zstd level 1", 1, bound="ratio at most"))
    return rows


def memory_growth(cores: Cores) -> list[Row]:
    """(e), on a server of its own that has answered small requests only."""
    say("peak memory")
    exchange = inputs.long_clip_exchange()
    with servers.heatsvc(cores.server) as ours:
        for _ in range(3):
            ask(ours.port, inputs.one_clip().npy_exchange(KEYPOINTS))
        ours.reset_peak_memory()
        before = ours.peak_memory()
        start = time.perf_counter()
        dense = count_decoded(ours, exchange)
        seconds = time.perf_counter() - start
        growth = ours.peak_memory() - before
    say(f"  {dense:,} bytes dense in {seconds:.2f} s, decoded on the way")
    what = f"peak memory, one answer of {dense / 1e6:.0f} MB dense"
    return [Row("e", what, "MB", growth / 1e6, None, "", 64, bound="figure under", digits=1)]


def stored_headers(headers: dict[str, str]) -> dict[str, str]:
    """Of an answer's headers those that the bare route repeats; the others are the server's own."""
    return {name: value for name, value in headers.items() if name not in _NOT_STORED}


def take_turns(
    contestants: dict[Server, bytes], exchange: Exchange, seconds: float, rounds: int
) -> dict[str, list[Turn]]:
    """Let every server, each with the body it must answer, take a turn, round by round."""
    turns: dict[str, list[Turn]] = {server.name: [] for server in contestants}
    for _ in range(rounds):
        for server, expected in contestants.items():
            turns[server.name].append(turn(server, exchange, expected, seconds))
    return turns


def turn(server: Server, exchange: Exchange, expected: bytes, seconds: float, connections: int = 4) -> Turn:
    """A server under load, after a moment of it to warm up."""
    run_load(server.port, exchange, expected, seconds=seconds / 8, connections=connections)
    busy = server.cpu_seconds()
    load = run_load(server.port, exchange, expected, seconds=seconds, connections=connections)
    return Turn(load.rate, (server.cpu_seconds() - busy) / load.requests * 1e6)


def against(
    item: str, what: str, unit: str, ours: list[float], theirs: list[float], peer: str, target: float | None = None
) -> Row:
    """The line of two figures taken in rounds."""
    pairs = tuple((round(a, 1), round(b, 1)) for a, b in zip(ours, theirs, strict=True))
    return Row(item, what, unit, median(ours), median(theirs), peer, target, rounds=pairs)


def say(what: str) -> None:
    """A word on the way, on standard error."""
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
