"""A folder in memory, gone at the end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

from heatsvc.annotation.build import build
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.shards import shared_memory_folder
from tests.annotation.keti import OPTIONS, inputs, made

Space = namedtuple("Space", "f_bavail f_frsize")


def test_it_is_gone_at_the_end(tmp_path: Path):
    with shared_memory_folder(tmp_path) as folder:
        assert folder is not None
        (folder / "part").write_bytes(b"1")
        assert folder.parent == tmp_path
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_is_removed(tmp_path: Path):
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    for name in (f"heatsvc-{dead.stdout.strip()}", f"heatsvc-{os.getppid()}", "heatsvc-of-others", "else"):
        (tmp_path / name).mkdir()
    with shared_memory_folder(tmp_path):
        pass
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {f"heatsvc-{os.getppid()}", "heatsvc-of-others", "else"}


def test_there_is_none_where_there_is_no_room(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(os, "statvfs", lambda path: Space(1000, 4096))
    with shared_memory_folder(tmp_path) as folder:
        assert folder is None
    with shared_memory_folder(tmp_path / "nowhere") as folder:
        assert folder is None


def test_a_build_through_memory_gives_the_same_and_leaves_no_part(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("heatsvc.annotation.build.SHARD_SIZE", 8)
    memory = tmp_path / "memory"
    memory.mkdir()
    build(inputs(), AnnotationOptions(**OPTIONS), tmp_path / "one", memory=memory)
    made(tmp_path / "two")
    pickles = [(tmp_path / name / "annotations.pkl").read_bytes() for name in ("one", "two")]
    assert pickles[0] == pickles[1]
    assert not list(memory.iterdir())
