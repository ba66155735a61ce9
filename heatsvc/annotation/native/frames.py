"""Counts frames of videos. Runs in a child process: FFmpeg's demuxers and decoders read untrusted files."""

from __future__ import annotations

import io
import struct
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, NamedTuple, NoReturn, cast

_CHUNK = 1 << 20
_LOCAL_HEADER = struct.Struct("<4s5H3I2H")


class VideoAt(NamedTuple):
    """The location of a video's bytes.

    Attributes:
        path: the video file, or the archive that contains it.
        offset: start of the video, or of its local header in a zip archive.
        size: number of bytes in the file.
        zipped: whether a zip archive's local header (APPNOTE 4.3.7) precedes it.
        unpacked: size once inflated; 0 if it is not deflated.
        container: FFmpeg's name of its format; "" if it is not detected yet.
    """

    path: str
    offset: int
    size: int
    zipped: bool = False
    unpacked: int = 0
    container: str = ""


def container_of(head: bytes) -> str | None:
    """Detect the format of a video by its first 400 bytes; None if it is not supported.

    FFmpeg must not detect it, since a text file could be a playlist of other files and URLs.
    """
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"):
        return "mov"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "matroska"
    # Packets of 188 bytes (ISO 13818-1), in .MTS files after 4 bytes of time each.
    for first, length in ((0, 188), (4, 192)):
        if len(head) > first + length and head[first] == head[first + length] == 0x47:
            return "mpegts"
    return None


def count_frames(videos: Sequence[VideoAt], max_frames: int, seconds: float, work: str) -> list[int | str]:
    """The number of frames of each video, or an error message.

    Args:
        videos: the locations of the videos.
        max_frames: counting stops after this number, and returns `max_frames` + 1.
        seconds: time limit for one video.
        work: a folder for unpacked videos.
    """
    return [_count(VideoAt(*video), max_frames, time.monotonic() + seconds, work) for video in videos]


def _count(video: VideoAt, max_frames: int, ends: float, work: str) -> int | str:
    import av

    try:
        with open(video.path, "rb") as file, _opened(video, file, work) as data:
            container = video.container or container_of(data.read(400))
            if container is None:
                return "the file is not a video: send AVI, MP4, MOV, MPEG-TS (.MTS) or Matroska"
            data.seek(0)
            return _frames(data, container, max_frames, ends)
    except TimeoutError:
        return "counting its frames took too long"
    except MemoryError:
        return "counting its frames needed too much memory"
    # av raises OSError, ValueError and RuntimeError; damaged archives raise the others.
    except (
        av.FFmpegError,
        OSError,
        ValueError,
        RuntimeError,
        LookupError,
        EOFError,
        zlib.error,
        struct.error,
    ) as error:
        return f"the video is damaged: {str(error) or type(error).__name__:.200}"


def _frames(data: BinaryIO, container: str, max_frames: int, ends: float) -> int | str:
    packets, all_shown, declared = _packets(data, container, max_frames, ends)
    if packets > max_frames:
        return packets
    if packets == declared and all_shown:
        return packets or "the video has no frames"
    if packets < declared and _is_cut(data, container):
        return f"the video is truncated: it has {packets:,} of {declared:,} frames"
    data.seek(0)
    frames = _decoded(data, container, max_frames, ends)
    return frames or "the video has no frames"


def _packets(data: BinaryIO, container: str, max_frames: int, ends: float) -> tuple[int, bool, int]:
    """Packets of the first video stream, whether each is a shown frame, and the number that the container declares."""
    packets, all_shown = 0, True
    with _video(data, container) as (source, stream):
        for packet in source.demux(stream):
            _check_time(ends)
            if packet.size:
                packets += 1
                all_shown &= not (packet.is_corrupt or packet.is_discard)
            if packets > max_frames:
                break
        return packets, all_shown, stream.frames


def _decoded(data: BinaryIO, container: str, max_frames: int, ends: float) -> int:
    frames = 0
    with _video(data, container) as (source, stream):
        for _ in source.decode(stream):
            _check_time(ends)
            frames += 1
            if frames > max_frames:
                break
    return frames


@contextmanager
def _video(data: BinaryIO, container: str) -> Iterator[tuple[Any, Any]]:
    """A container and its first video stream, opened from a file object, so that FFmpeg opens no file by name."""
    import av

    with av.open(data, format=container, buffer_size=_CHUNK, io_open=_refuse) as source:
        if not source.streams.video:
            raise ValueError("it has no video stream")
        stream = source.streams.video[0]
        if stream.codec_context is None:
            raise ValueError("its codec is unknown")
        # One thread, since there is one child process per core.
        stream.codec_context.thread_count = 1
        yield source, stream


def _refuse(url: str, flags: int, options: dict[str, str]) -> NoReturn:
    raise ValueError("the video refers to another file")


def _check_time(ends: float) -> None:
    if time.monotonic() > ends:
        raise TimeoutError


def _is_cut(data: BinaryIO, container: str) -> bool:
    """Whether the file ends before the lengths that the container declares: AVI's RIFF chunk, boxes of MP4 and MOV."""
    size = data.seek(0, io.SEEK_END)
    data.seek(0)
    if container == "avi":
        return int.from_bytes(data.read(8)[4:], "little") + 8 > size
    at = 0
    while container == "mov" and at < size:
        data.seek(at)
        head = data.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:], "big")
        if length < 8:
            # 0 means up to the end of the file.
            return False
        at += length
    return at > size


def _opened(video: VideoAt, file: BinaryIO, work: str) -> BinaryIO:
    offset = video.offset
    if video.zipped:
        file.seek(offset)
        header = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
        offset += _LOCAL_HEADER.size + header[-2] + header[-1]
    window = _Window(file, offset, video.size)
    return _inflated(window.read, video.unpacked, work) if video.unpacked else cast(BinaryIO, window)


def _inflated(read: Callable[[int], bytes], unpacked: int, work: str) -> BinaryIO:
    out = tempfile.TemporaryFile(dir=work)  # noqa: SIM115 - the caller closes it
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    left = unpacked
    while left and not inflater.eof and (chunk := inflater.unconsumed_tail or read(_CHUNK)):
        left -= out.write(inflater.decompress(chunk, min(left, _CHUNK)))
    out.seek(0)
    return cast(BinaryIO, out)


class _Window(io.RawIOBase):
    """A range of a file as a file."""

    def __init__(self, file: BinaryIO, offset: int, size: int):
        super().__init__()
        self._file, self._offset, self._size, self._at = file, offset, size, 0

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(self._size - self._at, 0)
        self._file.seek(self._offset + self._at)
        data = self._file.read(left if size is None or size < 0 else min(size, left))
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = 0, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def tell(self) -> int:
        return self._at

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True
