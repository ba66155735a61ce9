"""Shards: groups of a few hundred videos, whose keypoints are written to files that a resumed build reuses."""

from __future__ import annotations

import os
import shutil
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import orjson

from heatsvc.annotation.annotation_pickle import encode_annotation
from heatsvc.annotation.faults import Fault
from heatsvc.annotation.keypoints import FaultyFileError, KeypointSelection, VideoKeypoints, read_keypoints
from heatsvc.annotation.labels.frame_range import FrameRange
from heatsvc.annotation.plan import LabeledVideo
from heatsvc.annotation.statistics import SCORE_BINS, ClipStatistics
from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.errors import InputError
from heatsvc.pose.layouts import Layout

_BUFFER = 1 << 20
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # a folder of this process alone is created in it
_MIN_FREE_BYTES = 1 << 30
_FOLDER_PREFIX = "heatsvc-"


@dataclass(slots=True)
class Shard:
    """Statistics of a shard's videos.

    Attributes:
        clips: the clips that can be used, in order.
        faults: faults of the other clips, and of some of these; what to do with the videos is not decided yet.
        failed: indices in the shard of videos that cannot be used, one for each such fault.
        histogram: histogram of the scores of each point, [V][SCORE_BINS].
        img_shapes: number of clips with each (height, width).
        layout: layout of the written points; None if unknown.
        size: size of the shard's annotations in bytes.
        checksum: CRC-32 of the annotations. It detects incomplete ones after a power failure; they are not synced.
    """

    clips: list[ClipStatistics] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    histogram: list[list[int]] = field(default_factory=list)
    img_shapes: list[tuple[int, int, int]] = field(default_factory=list)
    layout: Layout | None = None
    size: int = 0
    checksum: int = 0

    def to_json(self) -> bytes:
        """The shard in its stored form."""
        return orjson.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: bytes) -> Shard:
        """Parse the result of `to_json`."""
        document: dict[str, Any] = orjson.loads(text)
        for clip in document["clips"]:
            clip["findings"] = tuple(map(tuple, clip["findings"]))
        document["clips"] = [ClipStatistics(**clip) for clip in document["clips"]]
        document["faults"] = [Fault(**fault) for fault in document["faults"]]
        document["img_shapes"] = [(height, width, count) for height, width, count in document["img_shapes"]]
        if layout := document["layout"]:
            limbs = tuple((a, b) for a, b in layout["limbs"])
            document["layout"] = Layout(layout["name"], layout["title"], tuple(layout["points"]), limbs)
        return cls(**document)


@dataclass(frozen=True, slots=True)
class ShardReader:
    """Reads shards, also in other processes.

    Attributes:
        selection: which keypoints to take from each file.
        folder: the folder for shards.
        write: whether to write annotations; a check only reads.
        keep: whether to store a shard's statistics too, so that it need not be read again.
    """

    selection: KeypointSelection
    folder: Path
    write: bool = True
    keep: bool = True

    def path(self, number: int) -> Path:
        """The file of a shard's annotations; its statistics are in a second file."""
        return self.folder / f"{number:06d}.part"

    def stored(self, number: int) -> Shard | None:
        """A stored shard; None if it must be read."""
        path = self.path(number)
        try:
            shard = Shard.from_json(path.with_suffix(".json").read_bytes())
            checksum = 0
            with path.open("rb") as file:
                while chunk := file.read(_BUFFER):
                    checksum = zlib.crc32(chunk, checksum)
            return shard if (path.stat().st_size, checksum) == (shard.size, shard.checksum) else None
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def read(self, number: int, videos: Sequence[LabeledVideo], token: CancelToken = NEVER_CANCELLED) -> Shard:
        """Read a shard's videos, write their annotations, then its statistics, which mark the shard as complete.

        Raises:
            AnnotationError: no file can be read with the options.
            OSError: the disk is full.
        """
        path, shard = self.path(number), Shard()
        with _atomic_file(path) as file:
            self._read_all(videos, shard, file, token)
        if self.keep:
            with _atomic_file(path.with_suffix(".json")) as file:
                file.write(shard.to_json())
        return shard

    def _read_all(self, videos: Sequence[LabeledVideo], shard: Shard, file: BinaryIO, token: CancelToken) -> None:
        """Read and write clips one by one, since a single clip may have half a gigabyte."""
        histogram = np.zeros((0, SCORE_BINS), np.int64)
        img_shapes: Counter[tuple[int, int]] = Counter()
        for position, video in enumerate(videos):
            token.raise_if_cancelled()
            name = video.file.name if video.file else ""
            try:
                found = self._keypoints(video, token)
            except FaultyFileError as error:
                shard.faults.append(Fault(error.kind, video.name, error.detail, name))
                shard.failed.append(position)
                continue
            persons, frames = found.keypoint.shape[:2]
            if video.last is not None and video.last > frames:
                detail = f"the trimmed video has {video.last} frames, but the keypoints have {frames}: nothing was cut"
                shard.faults.append(Fault("trim_too_long", video.name, detail, name, "kept"))
            if video.range is not None and (left := self._not_cut(video.range, found.frames_read, video)):
                shard.faults.append(Fault("frame_range", video.name, left, name, "kept"))
            clip = ClipStatistics(
                *(video.name, video.label, video.split, video.signer, frames),
                *(found.frames_read, persons, found.undetected, found.digest()),
                findings=tuple((finding.code, finding.detail) for finding in found.findings),
            )
            shard.clips.append(clip)
            histogram = histogram + found.histogram if len(histogram) else found.histogram
            img_shapes[found.img_shape] += 1
            shard.layout = found.layout
            if self.write:
                data = encode_annotation(video.name, video.label, found.img_shape, found.keypoint, found.keypoint_score)
                shard.size += file.write(data)
                if self.keep:
                    shard.checksum = zlib.crc32(data, shard.checksum)
        shard.histogram = histogram.tolist()
        shard.img_shapes = [(*shape, count) for shape, count in img_shapes.items()]

    def _not_cut(self, range: FrameRange, frames: int, video: LabeledVideo) -> str:
        """Why a video of `frames` frames is not cut to the range of its label; "" if it is cut."""
        if video.last is not None or range.is_length_of(frames):
            return ""
        if range.within(frames) is None:
            return f"the label is for the frames {range}, but the keypoints have {frames:,}: nothing was cut"
        if self.selection.cut_to_range:
            return ""
        return (
            f"the label is for the frames {range}, but the keypoints have {frames:,}, which are all kept: if they show "
            "the whole video, set the option frame_range to apply, which cuts them"
        )

    def _keypoints(self, video: LabeledVideo, token: CancelToken) -> VideoKeypoints:
        if video.file is None:
            raise FaultyFileError("no_file", "the file does not exist")
        try:
            data = video.file.read(self.selection.bounds)
        except InputError as error:
            raise FaultyFileError("unreadable", error.detail) from None
        return read_keypoints(data, video.file.name, self.selection, video.last, token, range=video.range)


@contextmanager
def _atomic_file(path: Path) -> Iterator[BinaryIO]:
    """A file that is renamed to `path` at the end. Two processes may write the same shard with the same content."""
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with partial.open("wb", _BUFFER) as file:
            yield file
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


@contextmanager
def shared_memory_folder(memory: Path = _SHARED_MEMORY) -> Iterator[Path | None]:
    """A folder in memory for this process, deleted at the end; None if there is no such folder or too little space.

    Writing shards to a disk and reading them back would take a third of a build's time. The next process deletes the
    folders of killed processes.
    """
    try:
        space = os.statvfs(memory)
        if space.f_bavail * space.f_frsize < _MIN_FREE_BYTES:
            yield None
            return
        for path in memory.glob(f"{_FOLDER_PREFIX}*"):
            if path.stat().st_uid == os.getuid() and not _is_alive(path.name.removeprefix(_FOLDER_PREFIX)):
                shutil.rmtree(path, ignore_errors=True)
        folder = memory / f"{_FOLDER_PREFIX}{os.getpid()}"
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
