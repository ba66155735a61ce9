"""`make bench-annotation`: a dataset of KETI's size, beside reading the same files once with np.load.

    python -m benchmarks.annotation [--clips N] [--rounds N] [--keep]

The two take turns, first with the files out of the page cache, as a dataset of 6 GB mostly is, then with the files in
it, which is the hard case: np.load has one core for itself, and the two that the command has share their caches.
Memory is that of all processes of the command together, shared pages counted once (Pss), sampled 20 times a second.
The pickle is then checked against the files: every clip, and the points of some.
"""

from __future__ import annotations

import argparse
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.keti import CLIPS, Dataset, make
from benchmarks.processes import memory_of, process_tree
from benchmarks.report import Machine, save_results
from benchmarks.servers import ROOT, Cores

_CACHE = ROOT / "benchmarks" / ".cache" / "keti"
_LOAD = """
import sys, time, pathlib, numpy
files = sorted(pathlib.Path(sys.argv[1]).iterdir())
started = time.perf_counter()
for file in files:
    numpy.load(file)
print(time.perf_counter() - started)
"""
# DOMAIN.md: sign27 in COCO-WholeBody order.
_SIGN27 = [
    *(0, 5, 6, 7, 8, 9, 10, 91, 95, 96, 99, 100, 103, 104, 107, 108, 111),
    *(112, 116, 117, 120, 121, 124, 125, 128, 129, 132),
]


@dataclass(frozen=True, slots=True)
class Round:
    """One measurement of both.

    Attributes:
        cached: whether the files were in the page cache.
        load_seconds: np.load of every file, the loop alone.
        seconds: the command, from its start to its end.
        peak_bytes: the most memory of all its processes.
    """

    cached: bool
    load_seconds: float
    seconds: float
    peak_bytes: int


def main() -> None:
    """Measure, print, and write results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clips", type=int, default=CLIPS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", action="store_true", help="leave the dataset (6 GB) in benchmarks/.cache")
    parsed = parser.parse_args()
    dataset = make(_CACHE, parsed.clips)
    print(f"{dataset.clips:,} clips, {dataset.frames / dataset.clips:.1f} frames on average", flush=True)
    with tempfile.TemporaryDirectory(dir=_CACHE) as folder:
        target = Path(folder) / "KETI.pkl"
        rounds = [_round(dataset, target, cached) for _ in range(parsed.rounds) for cached in (False, True)]
        _check(dataset, target)
        size = target.stat().st_size
    peak = max(one.peak_bytes for one in rounds)
    summary = {}
    for cached, name in ((False, "from disk"), (True, "from cache")):
        taken = [one for one in rounds if one.cached is cached]
        seconds, load = median(one.seconds for one in taken), median(one.load_seconds for one in taken)
        ratio = median(one.seconds / one.load_seconds for one in taken)
        summary[name] = {"seconds": seconds, "clips_a_second": dataset.clips / seconds, "ratio": ratio}
        print(
            f"{name:10}  annotate {seconds:6.2f} s {dataset.clips / seconds:8,.0f} clips/s   "
            f"np.load {load:6.2f} s {dataset.clips / load:8,.0f} clips/s   ratio {ratio:5.2f} (at most 1.5)"
        )
    print(f"peak memory {peak / 1e6:.0f} MB (under 400), {size / 1e6:.0f} MB written")
    result = {
        "machine": asdict(Machine.here(np.__version__, Cores.available())),
        "clips": dataset.clips,
        "frames": dataset.frames,
        "rounds": [asdict(one) for one in rounds],
        **summary,
        "peak_bytes": peak,
        "pickle_bytes": size,
    }
    if parsed.clips == CLIPS:
        save_results("annotation", result)
    if not parsed.keep:
        shutil.rmtree(_CACHE)


def _drop_from_cache(dataset: Dataset) -> None:
    """Drop the files from the page cache."""
    os.sync()
    for path in dataset.keypoints.iterdir():
        handle = os.open(path, os.O_RDONLY)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)


def _round(dataset: Dataset, target: Path, cached: bool) -> Round:
    if not cached:
        _drop_from_cache(dataset)
    load = float(subprocess.check_output([sys.executable, "-c", _LOAD, str(dataset.keypoints)]))
    command = [
        *(sys.executable, "-m", "heatsvc", "annotate", "-o", str(target)),
        *("--keypoints", str(dataset.keypoints), "--labels", str(dataset.table), "--img-shape", "1080", "1920"),
        *("--options", '{"split": {"signer": {"train": ">10", "val": "<=10"}}}'),
    ]
    if not cached:
        _drop_from_cache(dataset)
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    monitor = _MemoryMonitor(process.pid)
    monitor.start()
    _, errors = process.communicate()
    seconds = time.perf_counter() - started
    monitor.stop()
    if process.returncode:
        raise SystemExit(errors.decode())
    where = "cached" if cached else "on disk"
    print(f"  {where}: np.load {load:.2f} s, annotate {seconds:.2f} s, peak {monitor.peak / 1e6:.0f} MB", flush=True)
    return Round(cached, load, seconds, monitor.peak)


class _MemoryMonitor(threading.Thread):
    """Records the peak memory of a process with its descendants."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self._pid = pid
        self._stopped = threading.Event()

    def run(self) -> None:
        """Sample until `stop` is called."""
        while not self._stopped.wait(0.05):
            self.peak = max(self.peak, sum(memory_of(pid).proportional for pid in process_tree(self._pid)))

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        self.join()


def _check(dataset: Dataset, target: Path) -> None:
    """Every clip is there, in its split and with its label; the points of every hundredth are the file's."""
    with target.open("rb") as file:
        made = pickle.load(file)  # written just now, by our own command
    assert len(made["annotations"]) == dataset.clips
    assert sum(map(len, made["split"].values())) == dataset.clips
    assert sum(one["total_frames"] for one in made["annotations"]) == dataset.frames
    for one in made["annotations"][::100]:
        array = np.load(dataset.keypoints / f"{one['frame_dir']}.avi.npy")[None, :, _SIGN27]
        np.testing.assert_array_equal(one["keypoint"], array[..., :2].astype(np.float16))
        np.testing.assert_array_equal(one["keypoint_score"], array[..., 2].astype(np.float16))
    assert os.path.exists(target.with_suffix("") / "report.html")


if __name__ == "__main__":
    main()
