"""StoredFile: where a file's bytes are; small enough to be sent to another process, which reads it."""

from __future__ import annotations

import os
import re
import struct
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from heatsvc.bounds import Bounds
from heatsvc.pose.clip import PoseError

# A zip archive's local file header (APPNOTE 4.3.7): signature, ..., lengths of name and extra field.
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_LOCAL_MAGIC = b"PK\x03\x04"
_RATIO_FROM = 1 << 20


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file of keypoints: a file on disk, a stretch of a tar archive, a member of a zip archive, or frame files.

    Attributes:
        name: as the sender calls it, with its folders; names the video, stands in messages, is never a path.
        path: the file on disk that its bytes lie in.
        offset: where they begin; in a zip archive, where the member's local header does.
        size: how many there are, packed; None for the whole of `path`.
        member: whether it is a zip archive's member, with a local header before it.
        deflated: whether it is deflated.
        unpacked: bytes when unpacked, as the archive says; they are counted.
        frames: the files of OpenPose's frames, of which this is the clip; then it has no bytes of its own.
    """

    name: str
    path: str = ""
    offset: int = 0
    size: int | None = None
    member: bool = False
    deflated: bool = False
    unpacked: int = 0
    frames: tuple[StoredFile, ...] = ()

    def __reduce__(self) -> tuple[Any, ...]:
        """As a frozen dataclass with slots would be sent to another process, in half the time."""
        shape = (self.name, self.path, self.offset, self.size, self.member, self.deflated, self.unpacked, self.frames)
        return StoredFile, shape

    def stamp(self) -> str:
        """What changes when a file of a mounted folder does: its size and time. Empty for all that lies elsewhere."""
        if self.size is not None or self.frames:
            return ""
        try:
            about = os.stat(self.path)
        except OSError:
            return "gone"
        return f"{about.st_size} {about.st_mtime_ns}"

    def read(self, bounds: Bounds) -> bytes:
        """Its bytes, unpacked.

        Raises:
            PoseError: it cannot be read, or is damaged.
            LimitError: more than max_unpacked_bytes, or max_archive_ratio times what they are packed in.
        """
        if self.frames:
            return self._join(bounds)
        try:
            with open(self.path, "rb", buffering=0) as file:
                return self._read_from(file.fileno(), bounds)
        except OSError as error:
            raise PoseError(f"the file cannot be read: {error.strerror or error}", file=self.name) from None

    def _read_from(self, handle: int, bounds: Bounds) -> bytes:
        start = self.offset
        size = os.fstat(handle).st_size if self.size is None else self.size
        bounds.check("max_unpacked_bytes", size, "bytes in a file", file=self.name)
        if self.member:
            # An archive may say that a member begins beyond all that a file can hold.
            head = os.pread(handle, _LOCAL_HEADER.size, start) if start < os.fstat(handle).st_size else b""
            if len(head) < _LOCAL_HEADER.size or not head.startswith(_LOCAL_MAGIC):
                raise PoseError("the archive is damaged where this file should begin", file=self.name)
            _, name, extra = _LOCAL_HEADER.unpack(head)
            start += _LOCAL_HEADER.size + name + extra
        data = os.pread(handle, size, start)
        while len(data) < size and (more := os.pread(handle, size - len(data), start + len(data))):
            data += more
        if len(data) < size:
            raise PoseError(f"the archive ends within this file, after {len(data):,} of {size:,} bytes", file=self.name)
        return self._inflate(data, bounds) if self.deflated else data

    def _inflate(self, data: bytes, bounds: Bounds) -> bytes:
        bounds.check("max_unpacked_bytes", self.unpacked, "bytes in a file", file=self.name)
        if self.unpacked > _RATIO_FROM:
            ratio = self.unpacked // max(len(data), 1)
            bounds.check("max_archive_ratio", ratio, "bytes for each byte of the archive", file=self.name)
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
        """OpenPose's frames as the archive that its reader takes."""
        buffer, size = BytesIO(), 0
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for frame in self.frames:
                data = frame.read(bounds)
                size += len(data)
                bounds.check("max_unpacked_bytes", size, "bytes in a clip's frames", file=self.name)
                archive.writestr(zipfile.ZipInfo(frame.name.rsplit("/", 1)[-1]), data)
        return buffer.getvalue()


# 02_output.md of OpenPose: <video>_<frame, 12 digits>_keypoints.json
_FRAME = re.compile(r"(?:(?P<video>.*)_)?(?P<number>\d{12})_keypoints\.json", re.IGNORECASE | re.DOTALL)


def join_frames(files: Sequence[StoredFile], container: str) -> list[StoredFile]:
    """The files, those of a video's frames as one, named after the video, or after their folder where they do not say.

    Args:
        files: of one folder tree or archive.
        container: what to call frames that have neither.
    """
    joined: dict[str, list[tuple[int, StoredFile]]] = defaultdict(list)
    others = []
    for file in files:
        folder, _, name = file.name.rpartition("/")
        frame = _FRAME.fullmatch(name)
        if frame is None:
            others.append(file)
            continue
        video = frame["video"]
        clip = "/".join(part for part in (folder, video) if part) if video else folder or container
        joined[clip].append((int(frame["number"]), file))
    for clip, frames in joined.items():
        ordered = tuple(file for _, file in sorted(frames, key=lambda pair: (pair[0], pair[1].name)))
        others.append(StoredFile(clip, frames=ordered))
    return others
