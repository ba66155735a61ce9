"""Shards: some hundred videos each, written to files of their own, which a resumed build does not read again."""

from __future__ import annotations

import os
import shutil
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import orjson

from heatsvc.annotation.annotation_pickle import encode_annotation
from heatsvc.annotation.faults import Fault
from heatsvc.annotation.keypoints import FaultyFileError, KeypointSelection, read_keypoints
from heatsvc.annotation.sources import StoredFile
from heatsvc.annotation.statistics import SCORE_BINS, ClipStatistics
from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.errors import InputError


@dataclass(frozen=True, slots=True)
class Task:
    """One video that has a label, a split and a file.

    Attributes:
        name: its `frame_dir`.
        label: class index.
        split: the split it is in.
        file: its keypoints.
        signer: who signs, "" where nobody knows.
        last: how many frames to keep, the last ones; None for all.
    """

    name: str
    label: int
    split: str
    file: StoredFile
    signer: str = ""
    last: int | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """As KeypointFile's."""
        return Task, (self.name, self.label, self.split, self.file, self.signer, self.last)


_BUFFER = 1 << 20


@dataclass(frozen=True, slots=True)
class ShardReader:
    """How parts are read.

    Attributes:
        choice: what is taken from each file.
        folder: where parts go.
        write: whether annotations are written; a check reads only.
        keep: whether a part's facts are written down too, so that it need not be read again.
    """

    selection: KeypointSelection
    folder: Path
    write: bool = True
    keep: bool = True


@dataclass(slots=True)
class Shard:
    """What is known of a part's videos once they were read.

    Attributes:
        clips: those that can be used, in order.
        faults: what is wrong with the others, and with some of these; what becomes of them is not told yet.
        failed: positions in the part of those that cannot be used, one for each such fault.
        histogram: how often each point had such a score, [V][SCORE_BINS].
        img_shapes: how many clips have each (height, width).
        layout: of the points as written, "" where nobody knows.
        size: bytes of the part's annotations.
        checksum: CRC-32 of them. They are not forced to the disk one part at a time: what a power cut left of them is
            told by this.
    """

    clips: list[ClipStatistics] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    histogram: list[list[int]] = field(default_factory=list)
    img_shapes: list[tuple[int, int, int]] = field(default_factory=list)
    layout: str = ""
    size: int = 0
    checksum: int = 0

    def to_json(self) -> bytes:
        """As it lies on disk."""
        return orjson.dumps(self)

    @classmethod
    def from_json(cls, text: bytes) -> Shard:
        """What to_json gave."""
        document: dict[str, Any] = orjson.loads(text)
        document["clips"] = [ClipStatistics(**clip) for clip in document["clips"]]
        document["faults"] = [Fault(**fault) for fault in document["faults"]]
        document["img_shapes"] = [(height, width, count) for height, width, count in document["img_shapes"]]
        return cls(**document)


def shard_path(folder: Path, number: int) -> Path:
    """Where a part's annotations lie; its facts lie beside them."""
    return folder / f"{number:06d}.part"


def stored_shard(folder: Path, number: int) -> Shard | None:
    """The facts of a part that was read before; None where it has to be read."""
    path = shard_path(folder, number)
    try:
        facts = Shard.from_json(path.with_suffix(".json").read_bytes())
        return facts if (path.stat().st_size, _checksum(path)) == (facts.size, facts.checksum) else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _checksum(path: Path) -> int:
    checksum = 0
    with path.open("rb") as file:
        while chunk := file.read(_BUFFER):
            checksum = zlib.crc32(chunk, checksum)
    return checksum


def read_shard(number: int, tasks: Sequence[Task], reading: ShardReader, token: CancelToken = NEVER_CANCELLED) -> Shard:
    """Read a part's videos, write their annotations and then their facts: the facts say that all is there.

    Raises:
        AnnotationError: options that no file can be read with.
        OSError: the disk is full.
    """
    path, facts = shard_path(reading.folder, number), Shard()
    with _written(path) as file:
        _read_all(tasks, reading, facts, file, token)
    if reading.keep:
        with _written(path.with_suffix(".json")) as file:
            file.write(facts.to_json())
    return facts


def _read_all(tasks: Sequence[Task], reading: ShardReader, facts: Shard, file: BinaryIO, token: CancelToken) -> None:
    """One after the other: a clip may be half a gigabyte, so none waits in memory for the others."""
    histogram = None
    img_shapes: Counter[tuple[int, int]] = Counter()
    for place, task in enumerate(tasks):
        token.raise_if_cancelled()
        try:
            points = read_keypoints(
                _bytes_of(task, reading.selection), task.file.name, reading.selection, task.last, token
            )
        except FaultyFileError as error:
            facts.faults.append(Fault(error.kind, task.name, error.detail, task.file.name))
            facts.failed.append(place)
            continue
        frames = points.keypoint.shape[1]
        if task.last is not None and task.last > frames:
            detail = f"the trimmed video has {task.last} frames, the keypoints {frames}: nothing is cut"
            facts.faults.append(Fault("trim_too_long", task.name, detail, task.file.name, "kept"))
        facts.clips.append(
            ClipStatistics(
                task.name,
                task.label,
                task.split,
                task.signer,
                frames,
                points.frames_read,
                points.keypoint.shape[0],
                points.undetected,
                points.digest(),
            )
        )
        histogram = points.histogram if histogram is None else histogram + points.histogram
        img_shapes[points.img_shape] += 1
        facts.layout = points.layout.name if points.layout else ""
        if reading.write:
            written = encode_annotation(task.name, task.label, points.img_shape, points.keypoint, points.keypoint_score)
            facts.size += file.write(written)
            if reading.keep:
                facts.checksum = zlib.crc32(written, facts.checksum)
    facts.histogram = np.zeros((0, SCORE_BINS), np.int64).tolist() if histogram is None else histogram.tolist()
    facts.img_shapes = [(*shape, count) for shape, count in img_shapes.items()]


def _bytes_of(task: Task, selection: KeypointSelection) -> bytes:
    try:
        return task.file.read(selection.bounds)
    except InputError as error:
        raise FaultyFileError("unreadable", error.detail) from None


@contextmanager
def _written(path: Path) -> Iterator[BinaryIO]:
    """A file to be written aside and renamed; two processes may write the same part, and write the same."""
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with aside.open("wb", _BUFFER) as file:
            yield file
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


_MEMORY = Path("/dev/shm")  # noqa: S108  # memory, in a folder that is made for this process alone
_ENOUGH = 1 << 30
_PREFIX = "heatsvc-"


@contextmanager
def shared_memory_folder(memory: Path = _MEMORY) -> Iterator[Path | None]:
    """A folder in memory for this process, gone at the end; None where there is none, or too little.

    Parts that are written to a disk and read back cost a third of a build's time. What a killed process left is removed
    by the next.
    """
    try:
        space = os.statvfs(memory)
        if space.f_bavail * space.f_frsize < _ENOUGH:
            yield None
            return
        for path in memory.glob(f"{_PREFIX}*"):
            if path.stat().st_uid == os.getuid() and not _is_alive(path.name.removeprefix(_PREFIX)):
                shutil.rmtree(path, ignore_errors=True)
        folder = memory / f"{_PREFIX}{os.getpid()}"
        folder.mkdir(mode=0o700)
    except (OSError, AttributeError):
        yield None
        return
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_alive(process: str) -> bool:
    if not process.isdecimal():
        return True
    with suppress(ProcessLookupError, OverflowError):
        os.kill(int(process), 0)
        return True
    return False
