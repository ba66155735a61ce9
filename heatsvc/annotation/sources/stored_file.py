"""StoredFile: where the bytes of a file are, small enough to be sent to another process that reads them."""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import NamedTuple

from heatsvc.bounds import Bounds
from heatsvc.cancel import CancelToken
from heatsvc.errors import InputError
from heatsvc.pose.archives.frames import FrameClip, find_frames
from heatsvc.pose.archives.limits import RATIO_FROM
from heatsvc.pose.errors import PoseError
from heatsvc.pose.readers import frame_reader
from heatsvc.pose.readers.upload import ReadOptions, Upload, is_blank

# A zip archive's local file header (APPNOTE 4.3.7): signature, ..., lengths of name and extra field.
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_LOCAL_MAGIC = b"PK\x03\x04"


class StoredFile(NamedTuple):
    """A file on disk, a range of a tar archive, a member of a zip archive, or the frame files of a clip.

    Attributes:
        name: the sender's name for it, with its folders; names the video in messages, and is never used as a path.
        path: the file on disk that contains its bytes.
        offset: where they begin; in a zip archive, where the member's local header does.
        size: number of bytes there; None for the whole of `path`.
        zipped: whether it is a zip archive's member, with a local header before it.
        deflated: whether it is deflated.
        unpacked: number of bytes once inflated, according to the archive; checked when they are read.
        frames: the frame files of which this is the clip; it then has no bytes of its own.
        folder: of its frame files.
        refusal: why it is not read; "" where it may be.
    """

    name: str
    path: str = ""
    offset: int = 0
    size: int | None = None
    zipped: bool = False
    deflated: bool = False
    unpacked: int = 0
    frames: tuple[StoredFile, ...] = ()
    folder: str = ""
    refusal: str = ""

    def is_same(self, other: StoredFile) -> bool:
        """Whether both are the same bytes under two names."""
        if self.frames or other.frames:
            return len(self.frames) == len(other.frames) and all(map(StoredFile.is_same, self.frames, other.frames))
        return (self.path, self.offset) == (other.path, other.offset)

    def stamp(self) -> str:
        """Size and time of a file of a mounted folder, which change when the file does; empty for other files."""
        if self.size is not None or self.frames:
            return ""
        try:
            status = os.stat(self.path)
        except OSError:
            return "gone"
        return f"{status.st_size} {status.st_mtime_ns}"

    def check_ratio(self, bounds: Bounds) -> None:
        """Raise LimitError where it is more than max_archive_ratio times larger than the bytes it is packed in."""
        if self.unpacked > RATIO_FROM:
            ratio = self.unpacked // max(self.size or 0, 1)
            bounds.check("max_archive_ratio", ratio, "bytes for each byte of the archive", file=self.name)

    def read(self, bounds: Bounds) -> bytes:
        """Its bytes, unpacked.

        Raises:
            PoseError: it cannot be read, or is damaged.
            LimitError: more than max_unpacked_bytes, or max_archive_ratio times the bytes it is packed in.
        """
        if self.refusal:
            raise PoseError(self.refusal, file=self.name)
        if self.frames:
            return self._join(bounds)
        try:
            with open(self.path, "rb", buffering=0) as file:
                return self._read_from(file.fileno(), bounds)
        except OSError as error:
            raise PoseError(f"the file cannot be read: {error.strerror or error}", file=self.name) from None

    def _read_from(self, handle: int, bounds: Bounds) -> bytes:
        size = os.fstat(handle).st_size if self.size is None else self.size
        bounds.check("max_unpacked_bytes", size, "bytes in a file", file=self.name)
        start = self._start(handle)
        data = os.pread(handle, size, start)
        while len(data) < size and (more := os.pread(handle, size - len(data), start + len(data))):
            data += more
        if len(data) < size:
            raise PoseError(f"the archive ends within this file, after {len(data):,} of {size:,} bytes", file=self.name)
        return self._inflate(data, bounds) if self.deflated else data

    def _start(self, handle: int) -> int:
        """Where its bytes begin, after a zip archive's local header."""
        if not self.zipped:
            return self.offset
        # The offset comes from the archive, and may be larger than any file, or negative.
        within = 0 <= self.offset < os.fstat(handle).st_size
        header = os.pread(handle, _LOCAL_HEADER.size, self.offset) if within else b""
        if len(header) < _LOCAL_HEADER.size or not header.startswith(_LOCAL_MAGIC):
            raise PoseError("the archive is damaged where this file should begin", file=self.name)
        _, name, extra = _LOCAL_HEADER.unpack(header)
        return self.offset + _LOCAL_HEADER.size + int(name) + int(extra)

    def chunks(self, size: int) -> Iterator[bytes]:
        """The bytes of a member of an archive, unpacked, in pieces of at most that size; their sum is not checked.

        Raises:
            PoseError: damaged.
        """
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        with open(self.path, "rb") as file:
            file.seek(self._start(file.fileno()))
            left = self.size or 0
            while left:
                # The archive may declare more bytes than any file has.
                packed = file.read(min(size, left))
                if not packed:
                    raise PoseError("the archive ends within this file", file=self.name)
                left -= len(packed)
                if not self.deflated:
                    yield packed
                    continue
                try:
                    while packed:
                        yield inflate.decompress(packed, size)
                        packed = inflate.unconsumed_tail
                except zlib.error as error:
                    raise PoseError(f"the archive is damaged: {error}", file=self.name) from None

    def _inflate(self, data: bytes, bounds: Bounds) -> bytes:
        bounds.check("max_unpacked_bytes", self.unpacked, "bytes in a file", file=self.name)
        self.check_ratio(bounds)
        try:
            unpacked = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, self.unpacked + 1)
        except zlib.error as error:
            raise PoseError(f"the archive is damaged: {error}", file=self.name) from None
        if len(unpacked) != self.unpacked:
            raise PoseError(
                f"the archive is damaged: {self.unpacked:,} bytes were promised, not {len(unpacked):,}", file=self.name
            )
        return unpacked

    def _join(self, bounds: Bounds) -> bytes:
        """The frames as an archive."""
        buffer, size = BytesIO(), 0
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for frame in self.frames:
                data = frame.read(bounds)
                size += len(data)
                bounds.check("max_unpacked_bytes", size, "bytes in a clip's frames", file=self.name)
                archive.writestr(zipfile.ZipInfo(frame.name.rsplit("/", 1)[-1]), data)
        return buffer.getvalue()


def join_frames(
    files: Sequence[StoredFile], container: str, bounds: Bounds, token: CancelToken, notes: list[str]
) -> list[StoredFile]:
    """The files; those that are frames of one clip become one.

    Args:
        files: of one folder tree or archive.
        container: name of the clip whose frame files have no name in common, and no folder.
        bounds: how large a file may be that has to be looked into.
        token: checked before each of these.
        notes: gets a sentence on clips whose frame numbers have gaps.

    Raises:
        PoseError: two frames of one number.
    """
    fills_gaps: set[int] = set()

    def is_frame(position: int) -> bool | None:
        token.raise_if_cancelled()
        try:
            upload = Upload(files[position].read(bounds), files[position].name, ReadOptions(bounds=bounds))
        except InputError:
            return False
        if is_blank(upload.data):
            return None
        reader = frame_reader(upload)
        if reader is not None and reader.fills_gaps:
            fills_gaps.add(position)
        return reader is not None

    clips, others = find_frames([file.name for file in files], container, is_frame)
    gaps = [(clip.name, clip.gaps()) for clip in clips if clip.gaps() and fills_gaps.isdisjoint(clip.positions)]
    if gaps:
        name, count = gaps[0]
        more = f", and {len(gaps) - 1:,} more clips lack some" if len(gaps) > 1 else ""
        notes.append(
            f"of the frame numbers of {name:.80}, {count:,} are missing{more}: "
            "the frames that are there follow one another"
        )
    return [files[position] for position in others] + [_clip(clip, files) for clip in clips]


def _clip(clip: FrameClip, files: Sequence[StoredFile]) -> StoredFile:
    frames = tuple(files[position] for position in clip.positions)
    return StoredFile(clip.name, frames=frames, folder=clip.folder)
