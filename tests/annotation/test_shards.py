"""Shards: one video read after the other, each shard written completely or not at all, on disk or in memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from heatsvc.annotation.build import build
from heatsvc.annotation.keypoints import KeypointSelection
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.plan import LabeledVideo
from heatsvc.annotation.shards import ShardReader, shared_memory_folder
from heatsvc.annotation.sources.stored_file import StoredFile
from heatsvc.cancel import CancelledError
from tests.annotation.keti import OPTIONS, inputs, made
from tests.annotation.tokens import CountingToken
from tests.pose.readers.samples import KETI, npy

SELECTION = KeypointSelection(None, "float16", (4, 4))


def video(path: Path, name: str = "a") -> LabeledVideo:
    return LabeledVideo(name, 0, "train", "", StoredFile(path.name, str(path)))


def test_clips_are_not_kept_in_memory(tmp_path: Path) -> None:
    # In an archive of zeros each clip may have half a gigabyte, and a shard a hundred of them.
    (tmp_path / "large.npy").write_bytes(npy(np.zeros((1000, 133, 3), np.int8)))
    videos = [video(tmp_path / "large.npy", str(number)) for number in range(40)]
    reader = ShardReader(SELECTION, tmp_path)
    tracemalloc.start()
    shard = reader.read(0, videos)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert shard.size == reader.path(0).stat().st_size > 40 * 700_000
    assert peak < 10_000_000
    assert reader.stored(0) == shard


def test_an_interrupted_shard_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(npy(np.zeros((3, 17, 3), np.float32)))
    reader = ShardReader(SELECTION, tmp_path)
    with pytest.raises(CancelledError):
        reader.read(0, [video(tmp_path / "a.npy")] * 2, CountingToken(2))
    assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]
    assert reader.stored(0) is None


def test_a_shard_that_a_power_failure_damaged_is_read_again(tmp_path: Path) -> None:
    """It has the right size and other content, which only the checksum shows."""
    (path,) = KETI.glob("KETI_SL_0000000001.*")
    reader = ShardReader(KeypointSelection("sign27", "float16", (1080, 1920)), tmp_path)
    shard = reader.read(0, [video(path)])
    assert reader.stored(0) == shard
    reader.path(0).write_bytes(bytes(reader.path(0).stat().st_size))
    assert reader.stored(0) is None


Space = namedtuple("Space", "f_bavail f_frsize")


def test_a_folder_in_memory_is_deleted_at_the_end(tmp_path: Path):
    with shared_memory_folder(tmp_path) as folder:
        assert folder is not None
        (folder / "part").write_bytes(b"1")
        assert folder.parent == tmp_path
    assert not list(tmp_path.iterdir())


def test_folders_of_killed_processes_are_deleted(tmp_path: Path):
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    for name in (f"heatsvc-{dead.stdout.strip()}", f"heatsvc-{os.getppid()}", "heatsvc-of-others", "else"):
        (tmp_path / name).mkdir()
    with shared_memory_folder(tmp_path):
        pass
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {f"heatsvc-{os.getppid()}", "heatsvc-of-others", "else"}


def test_there_is_no_folder_in_memory_without_space(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(os, "statvfs", lambda path: Space(1000, 4096))
    with shared_memory_folder(tmp_path) as folder:
        assert folder is None
    with shared_memory_folder(tmp_path / "nowhere") as folder:
        assert folder is None


def test_a_build_through_memory_gives_the_same_and_leaves_no_shard(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("heatsvc.annotation.build.SHARD_SIZE", 8)
    memory = tmp_path / "memory"
    memory.mkdir()
    build(inputs(), AnnotationOptions(**OPTIONS), tmp_path / "one", memory=memory)
    made(tmp_path / "two")
    pickles = [(tmp_path / name / "annotations.pkl").read_bytes() for name in ("one", "two")]
    assert pickles[0] == pickles[1]
    assert not list(memory.iterdir())
