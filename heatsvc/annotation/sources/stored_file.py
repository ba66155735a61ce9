"""StoredFile: where the bytes of a file are, small enough to be sent to another process that reads them."""

from __future__ import annotations

import os
import re
import struct
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Sequence
from io import BytesIO
from typing import NamedTuple

from heatsvc.bounds import Bounds
from heatsvc.pose.errors import PoseError
from heatsvc.pose.readers.archive import RATIO_FROM

# A zip archive's local file header (APPNOTE 4.3.7): signature, ..., lengths of name and extra field.
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_LOCAL_MAGIC = b"PK\x03\x04"
# 02_output.md of OpenPose: <video>_<frame, 12 digits>_keypoints.json
_FRAME = re.compile(r"(?:(?P<video>.*)_)?(?P<number>\d{12})_keypoints\.json", re.IGNORECASE | re.DOTALL)


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
        frames: OpenPose's frame files, of which this is the clip; it then has no bytes of its own.
    """

    name: str
    path: str = ""
    offset: int = 0
    size: int | None = None
    zipped: bool = False
    deflated: bool = False
    unpacked: int = 0
    frames: tuple[StoredFile, ...] = ()

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
        if self.frames:
            return self._join(bounds)
        try:
            with open(self.path, "rb", buffering=0) as file:
                return self._read_from(file.fileno(), bounds)
        except OSError as error:
            raise PoseError(f"the file cannot be read: {error.strerror or error}", file=self.name) from None

    def _read_from(self, handle: int, bounds: Bounds) -> bytes:
        start, available = self.offset, os.fstat(handle).st_size
        size = available if self.size is None else self.size
        bounds.check("max_unpacked_bytes", size, "bytes in a file", file=self.name)
        if self.zipped:
            # The offset comes from the archive, and may be larger than any file.
            header = os.pread(handle, _LOCAL_HEADER.size, start) if start < available else b""
            if len(header) < _LOCAL_HEADER.size or not header.startswith(_LOCAL_MAGIC):
                raise PoseError("the archive is damaged where this file should begin", file=self.name)
            _, name, extra = _LOCAL_HEADER.unpack(header)
            start += _LOCAL_HEADER.size + name + extra
        data = os.pread(handle, size, start)
        while len(data) < size and (more := os.pread(handle, size - len(data), start + len(data))):
            data += more
        if len(data) < size:
            raise PoseError(f"the archive ends within this file, after {len(data):,} of {size:,} bytes", file=self.name)
        return self._inflate(data, bounds) if self.deflated else data

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
        """OpenPose's frames as the archive that its reader takes."""
        buffer, size = BytesIO(), 0
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for frame in self.frames:
                data = frame.read(bounds)
                size += len(data)
                bounds.check("max_unpacked_bytes", size, "bytes in a clip's frames", file=self.name)
                archive.writestr(zipfile.ZipInfo(frame.name.rsplit("/", 1)[-1]), data)
        return buffer.getvalue()


def join_frames(files: Sequence[StoredFile], container: str) -> list[StoredFile]:
    """The files; OpenPose's frame files of one video, as `--write_json` writes them, become one.

    Args:
        files: of one folder tree or archive.
        container: name of the clip whose frame files have neither the video's name nor a folder.
    """
    clips: dict[str, list[tuple[int, StoredFile]]] = defaultdict(list)
    joined = []
    for file in files:
        folder, _, name = file.name.rpartition("/")
        frame = _FRAME.fullmatch(name)
        if frame is None:
            joined.append(file)
            continue
        video = frame["video"]
        clip = "/".join(part for part in (folder, video) if part) if video else folder or container
        clips[clip].append((int(frame["number"]), file))
    for clip, frames in clips.items():
        frames.sort(key=lambda frame: (frame[0], frame[1].name))
        joined.append(StoredFile(clip, frames=tuple(file for _, file in frames)))
    return joined
