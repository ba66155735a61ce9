"""Files that are there whole or not at all."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from heatsvc.annotation.artifacts import Artifact, write_atomically

CONTENT = os.urandom(3 << 20)


@pytest.fixture
def part(tmp_path: Path) -> Path:
    path = tmp_path / "part"
    path.write_bytes(CONTENT)
    return path


def test_pieces_are_bytes_and_files(tmp_path: Path, part: Path):
    artifact = write_atomically(tmp_path / "report.json", [b"head", part, part, b"tail"])
    whole = b"head" + CONTENT + CONTENT + b"tail"
    assert (tmp_path / "report.json").read_bytes() == whole
    assert artifact == Artifact("report.json", "application/json", len(whole), hashlib.sha256(whole).hexdigest())


def test_a_digest_is_optional(tmp_path: Path, part: Path):
    artifact = write_atomically(tmp_path / "all", [b"head", part, b"tail"], digest=False)
    assert (tmp_path / "all").read_bytes() == b"head" + CONTENT + b"tail"
    assert (artifact.size, artifact.sha256) == (len(CONTENT) + 8, "")


def test_nothing_is_left_of_what_broke_off(tmp_path: Path):
    def pieces():
        yield b"some"
        raise KeyboardInterrupt

    (tmp_path / "old").write_bytes(b"before")
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "old", pieces())
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert (tmp_path / "old").read_bytes() == b"before"
