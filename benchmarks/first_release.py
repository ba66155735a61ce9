"""`make bench-first-release`: the kernels beside those of heatsvc 0.1.0, in turns in one run, on one core.

    python -m benchmarks.first_release [--rounds 7] [--write]

Time from keypoints to .npy bodies in zstd, for each dtype and `compression`; bytes of those bodies; and time from a
JSON body of 64 clips to arrays. A ratio is the median of the rounds' ratios: up to 1, this version is no slower.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import inputs
from benchmarks.inputs import KEYPOINTS, LIMBS, Clip
from benchmarks.report import Row, save_results, text_table
from benchmarks.servers import PEERS, Cores, on_core

CLIPS = 16
# For both: as the service configures the allocator, so that a body's memory is not asked of the system each time.
_ALLOCATOR = {"MALLOC_TRIM_THRESHOLD_": str(32 << 20), "MALLOC_MMAP_THRESHOLD_": str(16 << 20)}
DTYPES = ("float32", "float16", "uint8")
_SCRIPT = PEERS / "encode_clips.py"


class Version:
    """A version of heatsvc in a process of its own: see peers/encode_clips.py."""

    def __init__(self, process: subprocess.Popen[str]):
        self._process = process

    def run(self, asked: dict[str, Any] | None) -> dict[str, Any]:
        """Send a line and wait for the response."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        response: dict[str, Any] = json.loads(self._process.stdout.readline())
        return response


@contextmanager
def versions(clips: list[Clip], core: int) -> Iterator[tuple[Version, Version]]:
    """Both versions, this one first, on one core."""
    with tempfile.TemporaryDirectory() as folder:
        path, body = Path(folder) / "clips.npz", Path(folder) / "body.json"
        np.savez(
            path,
            keypoint=np.stack([clip.keypoint for clip in clips[:CLIPS]]),
            keypoint_score=np.stack([clip.keypoint_score for clip in clips[:CLIPS]]),
        )
        body.write_bytes(inputs.many_json_request(clips, KEYPOINTS).body)
        interpreters = sys.executable, str(PEERS / ".first_release" / "bin" / "python")
        with on_core(core):
            processes = [
                subprocess.Popen(
                    [python, str(_SCRIPT), str(path), str(body)],
                    cwd=folder,
                    env={**os.environ, **_ALLOCATOR},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
                for python in interpreters
            ]
        try:
            yield Version(processes[0]), Version(processes[1])
        finally:
            for process in processes:
                process.terminate()
                process.wait()


def main() -> None:
    """Measure, print the table, and write results/first-release-DATE.json where it is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.first_release", description="beside heatsvc 0.1.0")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    subprocess.run([str(PEERS / "install_first_release.sh")], check=True)
    asked: list[tuple[str, dict[str, Any] | None]] = [("a JSON body of 64 clips to arrays", None)]
    for kind, step in (("keypoints", KEYPOINTS), ("limbs", LIMBS)):
        for dtype in DTYPES:
            for compression in (None, "fast", "small"):
                what = f"{kind}, {dtype}, {compression or 'default'}"
                asked.append((what, {"step": step, "dtype": dtype, "compression": compression}))
    rows = []
    with versions(inputs.many_clips(), Cores.available().server) as (ours, first):
        for what, line in asked:
            print(what, file=sys.stderr, flush=True)
            first.run(line)
            pairs = [(ours.run(line), first.run(line)) for _ in range(options.rounds)]
            times = tuple((round(1e6 * a["seconds"], 1), round(1e6 * b["seconds"], 1)) for a, b in pairs)
            mine, theirs = (median(each) for each in zip(*times, strict=True))
            rows.append(Row("", what, "µs", mine, theirs, "0.1.0", 1, "ratio at most", rounds=times))
            if line is not None:
                sizes = pairs[0][0]["bytes"], pairs[0][1]["bytes"]
                rows.append(Row("", what, "bytes", *sizes, "0.1.0", 1, "ratio at most"))
    print(text_table(rows))
    if options.write:
        content = {"clips": CLIPS, "rows": [{"what": row.what, "unit": row.unit, "ratio": row.ratio} for row in rows]}
        print(f"written: {save_results('first-release', content).name}")


if __name__ == "__main__":
    main()
