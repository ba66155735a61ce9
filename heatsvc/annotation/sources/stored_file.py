"""StoredFile: the location of a file's bytes, small enough to send to another process that reads the file."""

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
        name: the client's name of the file with its folders; names the video in messages, and is never used as a path.
        path: the file on disk that contains its bytes.
        offset: start of its bytes, or of the member's local header in a zip archive.
        size: number of bytes in `path`; None for all.
        zipped: whether it is a zip archive's member, with a local header before it.
        deflated: whether it is deflated.
        unpacked: size once inflated, as the archive declares it; checked when the file is read.
        frames: the frame files of a clip, which then has no bytes of its own.
        folder: folder of the frame files.
        refusal: why it must not be read; "" if it may be read.
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
        """Whether both are names of the same bytes."""
        if self.frames or other.frames:
            return len(self.frames) == len(other.frames) and all(map(StoredFile.is_same, self.frames, other.frames))
        return (self.path, self.offset) == (other.path, other.offset)

    def stamp(self) -> str:
        """Size and modification time of a file of a mounted folder, to detect changes; "" for other files."""
        if self.size is not None or self.frames:
            return ""
        try:
            status = os.stat(self.path)
        except OSError:
            return "gone"
        return f"{status.st_size} {status.st_mtime_ns}"

    def check_ratio(self, bounds: Bounds) -> None:
        """Raise LimitError if its compression ratio exceeds max_archive_ratio."""
        if self.unpacked > RATIO_FROM:
            ratio = self.unpacked // max(self.size or 0, 1)
            bounds.check("max_archive_ratio", ratio, "bytes for each byte of the archive", file=self.name)

    def read(self, bounds: Bounds) -> bytes:
        """The unpacked content of the file.

        Raises:
            PoseError: the file cannot be read, or is damaged.
            LimitError: its size exceeds max_unpacked_bytes, or its compression ratio exceeds max_archive_ratio.
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
        """Start of its bytes, after a zip archive's local header."""
        if not self.zipped:
            return self.offset
        # The offset comes from the archive, and may be too large or negative.
        within = 0 <= self.offset < os.fstat(handle).st_size
        header = os.pread(handle, _LOCAL_HEADER.size, self.offset) if within else b""
        if len(header) < _LOCAL_HEADER.size or not header.startswith(_LOCAL_MAGIC):
            raise PoseError("the archive is damaged where this file should begin", file=self.name)
        _, name, extra = _LOCAL_HEADER.unpack(header)
        return self.offset + _LOCAL_HEADER.size + int(name) + int(extra)

    def chunks(self, size: int) -> Iterator[bytes]:
        """The unpacked content of an archive's member, in pieces of at most `size` bytes; its length is not checked.

        Raises:
            PoseError: the archive is damaged.
        """
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        with open(self.path, "rb") as file:
            file.seek(self._start(file.fileno()))
            left = self.size or 0
            while left:
                # The archive may declare any size.
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
                f"the archive is damaged: it declares {self.unpacked:,} bytes, but has {len(unpacked):,}",
                file=self.name,
            )
        return unpacked

    def _join(self, bounds: Bounds) -> bytes:
        """The frame files as an archive."""
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
    """Join the frame files of each clip.

    Args:
        files: the files of one folder tree or archive.
        container: name of a clip whose frame files have neither a common name nor a folder.
        bounds: limits of a file whose content must be inspected.
        token: checked before each of these files.
        notes: collects sentences about clips whose frame numbers have gaps.

    Raises:
        PoseError: two frames have the same number.
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
            f"{count:,} frame numbers of {name:.80} are missing{more}: the existing frames were joined without gaps"
        )
    return [files[position] for position in others] + [_clip(clip, files) for clip in clips]


def _clip(clip: FrameClip, files: Sequence[StoredFile]) -> StoredFile:
    frames = tuple(files[position] for position in clip.positions)
    return StoredFile(clip.name, frames=frames, folder=clip.folder)
