"""Shards: a few hundred videos each, read and written to files that an interrupted build uses again."""

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
    """What was found in a shard's videos.

    Attributes:
        clips: those that can be used, in order.
        faults: of the others, and of some of these; what becomes of the videos is not decided yet.
        failed: positions in the shard of those that cannot be used, one for each such fault.
        histogram: scores of each point, [V][SCORE_BINS].
        img_shapes: how many clips have each (height, width).
        layout: of the points as written, None where unknown.
        size: bytes of the shard's annotations.
        checksum: CRC-32 of them. They are not fsynced: after a power failure the checksum shows whether they are whole.
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
        """As it is stored."""
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
        selection: what is taken from each file.
        folder: where shards are written.
        write: whether annotations are written; a check only reads.
        keep: whether a shard's statistics are stored, too, so that it need not be read again.
    """

    selection: KeypointSelection
    folder: Path
    write: bool = True
    keep: bool = True

    def path(self, number: int) -> Path:
        """The file of a shard's annotations; its statistics are beside it."""
        return self.folder / f"{number:06d}.part"

    def stored(self, number: int) -> Shard | None:
        """A shard that was read before; None where it has to be read."""
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
        """Read a shard's videos, and write their annotations and then its statistics, which show that all is written.

        Raises:
            AnnotationError: options that no file can be read with.
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
        """Read and write one clip after the other, since one may be half a gigabyte."""
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
                detail = f"the trimmed video has {video.last} frames, the keypoints {frames}: nothing is cut"
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
        """Why a video of so many frames is not cut to the range of its label; "" where it is, or was before."""
        if video.last is not None or range.is_length_of(frames):
            return ""
        if range.within(frames) is None:
            return f"the label is of the frames {range}, the keypoints have {frames:,}: nothing is cut"
        if self.selection.cut_to_range:
            return ""
        return (
            f"the label is of the frames {range}, the keypoints have {frames:,}, and all are kept: the option "
            "frame_range = apply cuts them, where they are of the whole video"
        )

    def _keypoints(self, video: LabeledVideo, token: CancelToken) -> VideoKeypoints:
        if video.file is None:
            raise FaultyFileError("no_file", "there is no file")
        try:
            data = video.file.read(self.selection.bounds)
        except InputError as error:
            raise FaultyFileError("unreadable", error.detail) from None
        return read_keypoints(data, video.file.name, self.selection, video.last, token, range=video.range)


@contextmanager
def _atomic_file(path: Path) -> Iterator[BinaryIO]:
    """A file that is renamed to `path` at the end; two processes may write the same shard, with the same content."""
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
    """A folder in memory for this process, deleted at the end; None where there is none, or too little space.

    Writing shards to a disk and reading them back takes a third of a build's time. The folders of killed processes are
    deleted by the next one.
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
