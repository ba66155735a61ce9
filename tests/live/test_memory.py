"""A volume of 941 MB leaves in zstd without ever being in memory."""

from __future__ import annotations

import http.client
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.live.decoding import path_of
from tests.live.server import Live
from tests.pose.readers.samples import npy

FRAMES, POINTS, SIDE = 432, 133, 64
DENSE = FRAMES * POINTS * SIDE * SIDE * 4


def peak_bytes(pid: int) -> int:
    """VmHWM: the most memory that the process has had."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) * 1024


def forget_peak(pid: int) -> None:
    """From here on VmHWM counts anew (proc(5), clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def walk() -> bytes:
    """Points that wander about a video frame, as a signer's do: each map has one window in it."""
    rng = np.random.default_rng(5)
    xy = rng.uniform([500, 200], [1400, 900], (POINTS, 2)) + rng.normal(0, 3, (FRAMES, POINTS, 2)).cumsum(axis=0)
    return npy(np.concatenate([xy, rng.uniform(0.3, 1, (FRAMES, POINTS, 1))], axis=-1).astype(np.float32))


def post(live: Live, body: bytes) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", live.port)
    try:
        headers = {"Content-Type": "application/x-npy", "Accept-Encoding": "zstd"}
        connection.request("POST", "/heatmap?img_shape=1080,1920&pipeline=view", body, headers)
        response = connection.getresponse()
        assert response.status == 200
        return response.read()
    finally:
        connection.close()


def test_peak_memory_hardly_grows(live: Live) -> None:
    body = walk()
    forget_peak(live.pid)
    before = peak_bytes(live.pid)
    response = post(live, body)
    assert DENSE == 941_359_104
    assert len(response) < DENSE // 40
    assert peak_bytes(live.pid) - before < 64 << 20


@pytest.mark.needs("zstd")
def test_the_whole_volume_arrives(live: Live, tmp_path: Path) -> None:
    (tmp_path / "out.npy.zst").write_bytes(post(live, walk()))
    subprocess.run([path_of("zstd"), "-q", "-d", tmp_path / "out.npy.zst"], check=True)
    volume = np.load(tmp_path / "out.npy", mmap_mode="r")
    assert volume.shape == (FRAMES, POINTS, SIDE, SIDE)
    assert all(volume[t].max() > 0.1 for t in (0, FRAMES // 2, FRAMES - 1))
