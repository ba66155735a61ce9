"""Samples a second into training: heatsvc.torch beside MMAction2's own PoseDataset, on one core each.

    python -m benchmarks.loading [--clips N] [--samples N] [--rounds N]

A data set of KETI's form (real signing, 109 frames on average, 27 keypoints), its pickle and its training config are
made by `heatsvc annotate`. Both sides then load batches of training samples from the same pickle through the same steps
(`posec3d-train`: 48 frames, random crop and flip, 56 x 56), in turns, in one process and one thread each, into one
float32 tensor a batch. Shapes, labels and the sum of the pixels are compared first; the pixels only roughly, since the
steps are random on both sides.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from benchmarks.keti import make
from benchmarks.report import Machine, save_results
from benchmarks.servers import PEER_PYTHON, PEERS, ROOT, Cores, on_core
from heatsvc.torch import HeatmapCollate, HeatmapDataset

BATCH = 16
# heatsvc loads this many times as many samples in a round, which would be too short to measure otherwise.
_AS_MANY = 8
_CACHE = ROOT / "benchmarks" / ".cache"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clips", type=int, default=512)
    parser.add_argument("--samples", type=int, default=96, help="MMAction2's in a round; a multiple of 16")
    parser.add_argument("--rounds", type=int, default=5)
    parsed = parser.parse_args()
    torch.set_num_threads(1)
    cores = Cores.available()
    _CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_CACHE) as name, on_core(cores.server):
        folder = Path(name)
        _annotate(folder, parsed.clips)
        for kind in ("keypoint", "limb"):
            _compare(folder, kind, parsed.samples, parsed.rounds, cores)


def _annotate(folder: Path, clips: int) -> None:
    """`data.pkl` and beside it the configs."""
    dataset = make(folder / "keti", clips)
    command = [
        *(sys.executable, "-m", "heatsvc", "annotate", "-o", str(folder / "data.pkl")),
        *("--keypoints", str(dataset.keypoints), "--labels", str(dataset.table), "--img-shape", "1080", "1920"),
        *("--options", '{"split": {"random": {"train": 0.9, "test": 0.1}}}'),
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for config in (folder / "data").glob("mmaction2_*.py"):
        config.rename(folder / config.name)


def _compare(folder: Path, kind: str, samples: int, rounds: int, cores: Cores) -> None:
    preset = "posec3d-train" if kind == "keypoint" else "posec3d-train-limb"
    dataset, collate = HeatmapDataset(folder / "data.pkl", "train", preset), HeatmapCollate()
    command = [str(PEER_PYTHON), str(PEERS / "load_samples.py"), str(folder / f"mmaction2_{kind}.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as peer:
        description = _line(peer)
        assert description["clips"] == len(dataset)
        _check(_ours(dataset, collate, BATCH * 4), _theirs(peer, BATCH * 4))
        taken = [
            (
                _AS_MANY * samples / _ours(dataset, collate, _AS_MANY * samples)["seconds"],
                samples / _theirs(peer, samples)["seconds"],
            )
            for _ in range(rounds)
        ]
        assert peer.stdin
        peer.stdin.close()
    ours, theirs = (median(one) for one in zip(*taken, strict=True))
    ratio = median(our / their for our, their in taken)
    print(f"{preset:20} heatsvc {ours:6.0f} samples/s   MMAction2 {theirs:6.1f} samples/s   ratio {ratio:5.1f}")
    machine = Machine.here(description["numpy"], cores)
    result = {"machine": asdict(machine), "preset": preset, "batch": BATCH, "rounds": taken, "ratio": ratio}
    save_results(f"loading-{kind}", result)
    print(f"  {machine.processor}, one of {machine.cores} cores, PyTorch {torch.__version__}, NumPy {np.__version__}")


def _ours(dataset: HeatmapDataset, collate: HeatmapCollate, samples: int) -> dict[str, Any]:
    total = seconds = 0.0
    for first in range(0, samples, BATCH):
        start = time.perf_counter()
        imgs, labels = collate([dataset[(first + i) % len(dataset)] for i in range(BATCH)])
        seconds += time.perf_counter() - start
        total += float(imgs.sum(dtype=torch.float64))
    return {"seconds": seconds, "sum": total, "shape": list(imgs.shape), "labels": labels.tolist()}


def _theirs(peer: subprocess.Popen[str], samples: int) -> dict[str, Any]:
    assert peer.stdin
    peer.stdin.write(json.dumps({"samples": samples, "batch": BATCH}) + "\n")
    peer.stdin.flush()
    return _line(peer)


def _line(peer: subprocess.Popen[str]) -> dict[str, Any]:
    assert peer.stdout
    response: dict[str, Any] = json.loads(peer.stdout.readline())
    return response


def _check(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert ours["shape"] == theirs["shape"], (ours["shape"], theirs["shape"])
    assert ours["labels"] == theirs["labels"]
    assert abs(ours["sum"] / theirs["sum"] - 1) < 0.1, (ours["sum"], theirs["sum"])


if __name__ == "__main__":
    main()
