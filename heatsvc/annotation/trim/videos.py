"""Trimmed videos: those of files, folders and archives, and how many frames each has."""

from __future__ import annotations

import os
import threading
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from heatsvc.annotation.child import ChildError, run_in_child
from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.inputs import InputFile
from heatsvc.annotation.names import VIDEO_EXTENSIONS
from heatsvc.annotation.native.frames import VideoAt, container_of, count_frames
from heatsvc.annotation.sources import archives
from heatsvc.annotation.sources.archives import check_member
from heatsvc.bounds import Bounds, usable_cores
from heatsvc.errors import InputError, LimitError

_HEAD = 512
_RATIO_FROM = 1 << 20


@dataclass(frozen=True, slots=True)
class Video:
    """A video.

    Attributes:
        name: its file name, with folders.
        at: where it lies.
        where: what it is called in messages: its name, and the archive that it is in.
        file: the file's or archive's name.
    """

    name: str
    at: VideoAt
    where: str
    file: str


def videos_in(
    file: InputFile, unpacked: Path, bounds: Bounds, check_cancelled: Callable[[], None]
) -> list[Video] | None:
    """The videos that a file is or holds, told by its content; None where it is neither video nor archive.

    Args:
        file: the file.
        unpacked: where a packed archive is unpacked to.
        bounds, check_cancelled: as in `read_frame_counts`.

    Raises:
        AnnotationError: a damaged archive, or one without videos.
        LimitError: more members than max_dataset_files, or more bytes than max_dataset_bytes.
    """
    with file.path.open("rb") as opened:
        head = opened.read(_HEAD)
    if (container := container_of(head)) is not None:
        at = VideoAt(str(file.path), 0, file.path.stat().st_size, container=container)
        return [Video(file.name, at, file.name, file.name)]
    try:
        if head[:4] in archives.MAGIC:
            videos = list(_in_zip(file, bounds))
        elif head.startswith((archives.GZIP_MAGIC, archives.ZSTD_MAGIC)):
            plain = archives.unpack_tar(file, unpacked, bounds, check_cancelled)
            videos = list(_in_tar(file, plain, bounds, check_cancelled))
        elif head[archives.TAR_MAGIC_AT :].startswith(archives.TAR_MAGIC):
            videos = list(_in_tar(file, file.path, bounds, check_cancelled))
        else:
            return None
    except LimitError:
        raise
    except InputError as error:
        raise AnnotationError(error.detail, file=file.name) from None
    if not videos:
        raise AnnotationError(f"the archive holds no video ({', '.join(VIDEO_EXTENSIONS)})", file=file.name)
    return videos


def videos_under(folder: Path, bounds: Bounds, check_cancelled: Callable[[], None]) -> Iterator[Video]:
    """The videos of a folder and all below it, named by their way from it. Links are not followed out of it.

    Raises:
        LimitError: more files than max_dataset_files.
    """
    root = os.path.realpath(folder)
    count = 0
    for path, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            check_cancelled()
            full = os.path.join(path, name)
            real = os.path.realpath(full)
            if not _is_video(name) or not os.path.isfile(real) or os.path.commonpath((real, root)) != root:
                continue
            count += 1
            bounds.check("max_dataset_files", count, "videos in a folder", file=folder.name)
            relative = os.path.relpath(full, root).replace(os.sep, "/")
            yield Video(relative, VideoAt(full, 0, os.path.getsize(full)), relative, relative)


def _in_zip(file: InputFile, bounds: Bounds) -> Iterator[Video]:
    for name, info in archives.members(file, _is_video, bounds):
        if info.file_size > _RATIO_FROM:
            ratio = info.file_size // max(info.compress_size, 1)
            bounds.check("max_archive_ratio", ratio, "bytes for each byte of the archive", file=file.name)
        deflated = info.compress_type == zipfile.ZIP_DEFLATED
        at = VideoAt(str(file.path), info.header_offset, info.compress_size, True, info.file_size if deflated else 0)
        yield Video(name, at, f"{file.name}, {name}", file.name)


def _in_tar(file: InputFile, path: Path, bounds: Bounds, check_cancelled: Callable[[], None]) -> Iterator[Video]:
    for member in archives.regular_members(file, path, bounds, check_cancelled):
        if _is_video(member.name):
            name = check_member(member.name, file.name)
            at = VideoAt(str(path), member.offset_data, member.size)
            yield Video(name, at, f"{file.name}, {name}", file.name)


def _is_video(name: str) -> bool:
    """By its name: what else lies beside videos, tables and a desktop's hidden files, is left alone."""
    parts = name.replace("\\", "/").split("/")
    return parts[0] != "__MACOSX" and not parts[-1].startswith(".") and name.lower().endswith(VIDEO_EXTENSIONS)


MEMORY_BYTES = 2 << 30
SECONDS = 120.0
"""For one video."""

_MOST_IN_A_CHILD = 64
_START_SECONDS = 30.0
_POLL_SECONDS = 0.1


class _StoppedError(Exception):
    """Somebody else told that the work is to end."""


def count_all(videos: Sequence[Video], work: Path, bounds: Bounds, check_cancelled: Callable[[], None]) -> list[int]:
    """The number of frames of each video.

    Args:
        work: a folder for what has to be unpacked.

    Raises:
        AnnotationError: a video that cannot be read; the first of them.
        LimitError: more frames than max_frames.
    """
    if not videos:
        return []
    workers = min(usable_cores(), len(videos))
    share = min(-(-len(videos) // workers), _MOST_IN_A_CHILD)
    batches = [videos[start : start + share] for start in range(0, len(videos), share)]
    stopped = threading.Event()

    def go_on() -> None:
        if stopped.is_set():
            raise _StoppedError

    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(_count, batch, bounds.max_frames, str(work), go_on) for batch in batches]
        try:
            waiting = set(futures)
            while waiting:
                check_cancelled()
                done, waiting = wait(waiting, timeout=_POLL_SECONDS)
                for future in done:
                    future.result()
        finally:
            stopped.set()
            pool.shutdown(cancel_futures=True)
    told = [answer for future in futures for answer in future.result()]
    counts = []
    for video, answer in zip(videos, told, strict=True):
        if isinstance(answer, str):
            raise AnnotationError(answer, file=video.where)
        bounds.check("max_frames", answer, "frames", file=video.where)
        counts.append(answer)
    return counts


def _count(videos: Sequence[Video], most: int, work: str, go_on: Callable[[], None]) -> list[int | str]:
    """What a child says of these videos; where it died, what a child of its own says of each."""
    go_on()
    try:
        return run_in_child(
            count_frames,
            [tuple(video.at) for video in videos],
            most,
            SECONDS,
            work,
            memory_bytes=MEMORY_BYTES,
            seconds=SECONDS * len(videos) + _START_SECONDS,
            check_cancelled=go_on,
        )
    except ChildError as error:
        if len(videos) == 1:
            return [f"the video cannot be read: {error.detail}"]
    return [answer for video in videos for answer in _count([video], most, work, go_on)]
