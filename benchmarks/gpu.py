"""`make bench-gpu`: how fast a GPU renders and encodes, beside the fastest it could and beside its peers, in one run.

    python -m benchmarks.gpu [--device cuda] [--quick]

(a) bytes per second rendered, against a fill of the same bytes: each pixel has to be written once
(b) clips per second by batch size, from volumes: rendered, and rendered and encoded as zstd and copied to the host
(c) against kornia's `render_gaussian2d` and a plain grid in torch, which compute every pixel of a map
(d) clips per second through `POST /heatmap`, 64 clips per request, from a server with this GPU and from one without

All take turns in rounds; figures are medians. `--device cpu --quick` runs anywhere, as a check of the benchmark itself:
its figures say nothing about a GPU, and nothing is written.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import date
from statistics import median
from typing import Any

import numpy as np
import torch

from benchmarks import inputs, servers
from benchmarks.bench import say
from benchmarks.in_process import volumes_of
from benchmarks.inputs import KEYPOINTS, LIMBS, MANY, SIDE, Clip
from benchmarks.load import run_load, send_request
from benchmarks.report import Row, markdown_table, replace_in_readme, save_results, text_table
from benchmarks.responses import check_many, check_same
from benchmarks.servers import PEERS, Cores
from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.encode.codings import CODINGS
from heatsvc.encode.cuda import encode_batch
from heatsvc.encode.job import PlannedVolume
from heatsvc.render.array import render_array
from heatsvc.render.cuda import render_batch
from heatsvc.volume import HeatmapVolume

KORNIA = PEERS / ".kornia"
_SIZES = (1, 4, 16, 64, 256)
_FILL_TARGET = 0.85
_BYTES_A_PIXEL = {"float32": 4, "float16": 2, "bfloat16": 2, "uint8": 1}


def row(
    item: str, what: str, unit: str, rate: float, peer: float | None = None, name: str = "", target: float | None = None
) -> Row:
    """A row of the table; small rates have two digits after the decimal point."""
    return Row(item, what, unit, rate, peer, name, target, digits=0 if rate >= 100 else 2)


class Clock:
    """Seconds of work on a device, from its own events where it has them."""

    def __init__(self, device: torch.device, rounds: int):
        self.rounds = rounds
        self._cuda = device.type == "cuda"

    def seconds(self, works: Sequence[Callable[[], object]]) -> list[float]:
        """The median of each work over rounds of all; a run before them, which compiles kernels, is not timed."""
        for work in works:
            self._once(work)
        rounds = [[self._once(work) for work in works] for _ in range(self.rounds)]
        return [median(times) for times in zip(*rounds, strict=True)]

    def _once(self, work: Callable[[], object]) -> float:
        if not self._cuda:
            start = time.perf_counter()
            work()
            return time.perf_counter() - start
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        torch.cuda.synchronize()
        begin.record()
        work()
        end.record()
        torch.cuda.synchronize()
        return float(begin.elapsed_time(end)) / 1e3


def main() -> None:
    """Measure, print the table and, on a GPU, write the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description="how fast a GPU renders and encodes")
    parser.add_argument("--device", default="cuda", help="as torch names it; cpu to see that it runs")
    parser.add_argument("--quick", action="store_true", help="small batches, few rounds, nothing written")
    options = parser.parse_args()
    device = torch.device(options.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        parser.error("PyTorch finds no CUDA device")
    clips = inputs.many_clips()
    clock = Clock(device, rounds=2 if options.quick else 15)
    sizes = _SIZES[:2] if options.quick else _SIZES

    check(clips, device)
    rows = [*against_a_fill(clips, device, clock, max(sizes)), *by_size(clips, device, clock, sizes)]
    rows += against_grids(clips, device, clock, min(MANY, max(sizes)))
    if device.type == "cuda":
        rows += through_http(options.device, seconds=1.0 if options.quick else 4.0)
    description = machine(device)
    print(f"{description}\n\n{text_table(rows)}")
    if device.type == "cuda" and not options.quick:
        replace_in_readme("gpu results", f"{description}\n\n{markdown_table(rows)}")
        path = save_results("gpu", {"machine": description, "rows": [asdict(each) for each in rows]})
        print(f"written: {path.name}, README.md")


def check(clips: list[Clip], device: torch.device) -> None:
    """Check, before anything is timed, that the device renders what the CPU does."""
    for step, kind in ((KEYPOINTS, "keypoints"), (LIMBS, "limbs")):
        (volume,) = volumes_of(clips[:1], step)
        (rendered,) = render_batch([volume], "float32", device)
        check_same(rendered.cpu().numpy(), render_array(volume), kind)


def against_a_fill(clips: list[Clip], device: torch.device, clock: Clock, count: int) -> list[Row]:
    """(a)."""
    rows = []
    for kind, step in (("keypoints", KEYPOINTS), ("limbs", LIMBS)):
        volumes = repeated(clips, step, count)
        for dtype, size in _BYTES_A_PIXEL.items():
            say(f"{kind}, {dtype}, against a fill")
            pixels = sum(np.prod(volume.shape) for volume in volumes)
            blank = torch.empty(int(pixels), dtype=getattr(torch, dtype), device=device)

            def render(volumes: list[HeatmapVolume] = volumes, dtype: Any = dtype) -> object:
                return render_batch(volumes, dtype, device, bounds=no_bounds())

            rendered, filled = clock.seconds([render, lambda blank=blank: blank.fill_(1)])  # type: ignore[misc]
            gigabytes = float(pixels) * size / 1e9
            what = f"{count} clips rendered, {kind}, {dtype}"
            target = _FILL_TARGET if kind == "keypoints" else None
            rows.append(row("a", what, "GB per second", gigabytes / rendered, gigabytes / filled, "a fill", target))
    return rows


def by_size(clips: list[Clip], device: torch.device, clock: Clock, sizes: Sequence[int]) -> list[Row]:
    """(b)."""
    rows = []
    for size in sizes:
        say(f"batches of {size}")
        volumes = repeated(clips, KEYPOINTS, size)
        planned = [
            PlannedVolume.plan(str(place), volume, "float32", CODINGS["zstd"]) for place, volume in enumerate(volumes)
        ]

        def render(volumes: list[HeatmapVolume] = volumes) -> object:
            return render_batch(volumes, "float32", device, bounds=no_bounds())

        def encode(planned: list[PlannedVolume] = planned) -> object:
            return encode_batch(planned, "zstd", device, bounds=no_bounds())

        rendered, encoded = clock.seconds([render, encode])
        rows += [
            row("b", f"batch of {size}, rendered", "clips per second", size / rendered),
            row("b", f"batch of {size}, rendered, encoded and copied to the host", "clips per second", size / encoded),
        ]
    return rows


def against_grids(clips: list[Clip], device: torch.device, clock: Clock, count: int) -> list[Row]:
    """(c)."""
    say("against kornia and a plain grid")
    volumes = repeated(clips, KEYPOINTS, count)
    points = torch.from_numpy(np.concatenate([volume.keypoint[0] for volume in volumes]))
    scores = torch.from_numpy(np.concatenate([volume.keypoint_score[0] for volume in volumes]))
    axis = torch.arange(SIDE, dtype=torch.float32, device=device)

    def grid() -> torch.Tensor:
        center, peak = points.to(device), scores.to(device)
        across = (axis[None, None, None, :] - center[..., 0, None, None]) ** 2
        down = (axis[None, None, :, None] - center[..., 1, None, None]) ** 2
        return torch.exp(-(across + down) / (2 * 0.6**2)) * peak[..., None, None]

    sys.path.append(str(KORNIA))
    from kornia.geometry.subpix import render_gaussian2d

    def kornia() -> torch.Tensor:
        center, peak = points.to(device), scores.to(device)
        deviation = torch.full_like(center, 0.6)
        maps = render_gaussian2d(center, deviation, (SIDE, SIDE), normalized_coordinates=False)
        return maps * (peak * (2 * np.pi * 0.6**2))[..., None, None]  # its maps sum to 1

    def ours() -> object:
        return render_batch(volumes, "float32", device, bounds=no_bounds())

    ours_seconds, grid_seconds, kornia_seconds = clock.seconds([ours, grid, kornia])
    what = f"{count} clips rendered, keypoints, float32"
    return [
        row("c", what, "clips per second", count / ours_seconds, count / grid_seconds, "a grid in torch"),
        row("c", what, "clips per second", count / ours_seconds, count / kornia_seconds, "kornia"),
    ]


def through_http(device: str, seconds: float) -> list[Row]:
    """(d), with as many requests in flight as fill the device's batches."""
    clips = inputs.many_clips()
    cores = Cores.available()
    request = inputs.many_form_request(clips, KEYPOINTS)
    rates: dict[str, float] = {}
    first: list[Any] = []
    for where in ("cpu", device):
        say(f"through HTTP, {where}")
        os.environ["HEATSVC_DEVICE"] = where
        with servers.heatsvc(cores.server) as server:
            body, _ = send_request(server.port, request)
            first = first or [render_array(volume) for volume in volumes_of(clips[:1], KEYPOINTS)]
            check_many(body, first[0], [float(first[0].sum(dtype=np.float64))], "keypoints")
            run_load(server.port, request, body, seconds=seconds / 4, connections=8)
            rates[where] = MANY * run_load(server.port, request, body, seconds=seconds, connections=8).rate
    what = f"{MANY} clips per request, 8 requests in flight"
    return [row("d", what, "clips per second", rates[device], rates["cpu"], "the same server on one CPU core")]


def repeated(clips: list[Clip], step: dict[str, Any], count: int) -> list[HeatmapVolume]:
    """`count` volumes; those of the clips are repeated."""
    made = volumes_of(clips, step)
    return [made[place % len(made)] for place in range(count)]


def no_bounds() -> Bounds:
    """Bounds of a whole batch, which may be larger than a request."""
    return replace(DEFAULT_BOUNDS, max_volume_bytes=1 << 40)


def machine(device: torch.device) -> str:
    """What it was measured on, in one line."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "no GPU"
    return f"{date.today().isoformat()}: {name}, {os.cpu_count()} cores, torch {torch.__version__}"


def install_kornia() -> None:
    """Install the kornia package alone, beside the environment: its rendering needs nothing but torch."""
    if not KORNIA.exists():
        subprocess.run([str(PEERS / "install_kornia.sh")], check=True, env={**os.environ, "PYTHON": sys.executable})


if __name__ == "__main__":
    install_kornia()
    main()
