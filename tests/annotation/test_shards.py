"""A part: read one video after the other, written whole or not at all."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from heatsvc.annotation.keypoints import KeypointSelection
from heatsvc.annotation.shards import ShardReader, Task, read_shard, shard_path, stored_shard
from heatsvc.annotation.sources import StoredFile
from heatsvc.cancel import CancelledError
from tests.annotation.tokens import CountingToken
from tests.pose.readers.samples import KETI, npy

CHOICE = KeypointSelection(None, "float16", (4, 4))


def test_no_clip_waits_in_memory_for_the_others(tmp_path: Path) -> None:
    # Zeros of an archive: half a gigabyte each, a part would be a hundred of them.
    (tmp_path / "large.npy").write_bytes(npy(np.zeros((1000, 133, 3), np.int8)))
    file = StoredFile("large.npy", str(tmp_path / "large.npy"))
    tasks = [Task(f"{number}", 0, "train", file) for number in range(40)]
    tracemalloc.start()
    facts = read_shard(0, tasks, ShardReader(CHOICE, tmp_path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert facts.size == shard_path(tmp_path, 0).stat().st_size > 40 * 700_000
    assert peak < 10_000_000
    assert stored_shard(tmp_path, 0) == facts


def test_a_part_that_was_broken_off_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(npy(np.zeros((3, 17, 3), np.float32)))
    tasks = [Task("a", 0, "train", StoredFile("a.npy", str(tmp_path / "a.npy")))] * 2
    with pytest.raises(CancelledError):
        read_shard(0, tasks, ShardReader(CHOICE, tmp_path), CountingToken(2))
    assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]
    assert stored_shard(tmp_path, 0) is None


def test_a_part_that_a_power_cut_spoiled_is_read_again(tmp_path: Path) -> None:
    """Of the right size, but not what was written: only the checksum tells."""
    (path,) = KETI.glob("KETI_SL_0000000001.*")
    reading = ShardReader(KeypointSelection("sign27", "float16", (1080, 1920)), tmp_path)
    facts = read_shard(0, [Task("a", 0, "train", StoredFile(path.name, str(path)))], reading)
    assert stored_shard(tmp_path, 0) == facts
    part = shard_path(tmp_path, 0)
    part.write_bytes(bytes(part.stat().st_size))
    assert stored_shard(tmp_path, 0) is None
