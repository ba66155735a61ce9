"""In process, with no HTTP around it: MMAction2, rendering and compressing, and heatsvc, from keypoints to zstd."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.inputs import SIDE, Clip
from benchmarks.servers import PEER_PYTHON, PEERS, on_core
from heatsvc.bounds import DEFAULT_BOUNDS
from heatsvc.encode.codings import CODINGS
from heatsvc.encode.formats import FORMATS
from heatsvc.encode.job import PlannedVolume, RenderJob
from heatsvc.pipeline import parse_pipeline
from heatsvc.pose import PoseClip
from heatsvc.volume import HeatmapVolume

CHECKED = 8
"""Clips whose pixels are compared before anything is timed."""


class InProcess:
    """MMAction2 rendering clips in a process of its own, one line of JSON for each run: see peers/render_clips.py."""

    def __init__(self, process: subprocess.Popen[str], folder: Path):
        self._process = process
        self._folder = folder
        self.numpy: str = self._response()["numpy"]

    def rendered(self, step: dict[str, Any]) -> tuple[npt.NDArray[np.float32], list[float]]:
        """The first clip's volume, and the sums of pixels of the first CHECKED clips."""
        path = self._folder / "rendered.npy"
        sums = self._render(step, CHECKED, str(path))["sums"]
        return np.load(path), sums

    def rate(self, step: dict[str, Any], count: int, zstd: int | None = None) -> float:
        """Clips a second, rendering `count` of them once, and compressing them where a level is given."""
        response = self._render(step, count, None, zstd)
        return len(response["sums"]) / float(response["seconds"])

    def _render(self, step: dict[str, Any], count: int, save: str | None, zstd: int | None = None) -> dict[str, Any]:
        arguments = {name: value for name, value in step.items() if name not in ("type", "eps")}
        assert self._process.stdin
        line = {**arguments, "img_shape": [SIDE, SIDE], "count": count, "save": save, "zstd": zstd}
        self._process.stdin.write(json.dumps(line) + "\n")
        self._process.stdin.flush()
        return self._response()

    def _response(self) -> dict[str, Any]:
        assert self._process.stdout
        response: dict[str, Any] = json.loads(self._process.stdout.readline())
        return response


@contextmanager
def mmaction2(clips: list[Clip], core: int) -> Iterator[InProcess]:
    """The in-process peer, on the core that the servers have."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clips.npz"
        np.savez(
            path,
            keypoint=np.stack([clip.keypoint for clip in clips]),
            keypoint_score=np.stack([clip.keypoint_score for clip in clips]),
        )
        command = [str(PEER_PYTHON), str(PEERS / "render_clips.py"), str(path)]
        with on_core(core):
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        with process:
            try:
                yield InProcess(process, Path(folder))
            finally:
                process.terminate()


def volumes_of(clips: list[Clip], step: dict[str, Any]) -> list[HeatmapVolume]:
    """The clips as heatsvc's pipeline describes them."""
    pipeline = parse_pipeline([step])
    return [pipeline.run(PoseClip.build(clip.keypoint, clip.keypoint_score, img_shape=(SIDE, SIDE))) for clip in clips]


def encode_rate(volumes: list[HeatmapVolume], rounds: int) -> float:
    """Clips a second from keypoints to the bytes of an npy body in zstd; the bytes are dropped."""
    format, coding = FORMATS["application/x-npy"], CODINGS["zstd"]
    start = perf_counter()
    for _ in range(rounds):
        for volume in volumes:
            planned = PlannedVolume.plan("clip", volume, "float32", coding)
            RenderJob(format.writer([planned], coding, DEFAULT_BOUNDS)).render()
    return rounds * len(volumes) / (perf_counter() - start)
