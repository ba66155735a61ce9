"""Finds trimmed videos in files, folders and archives, and counts their frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import NamedTuple

from heatsvc.annotation.errors import AnnotationError, as_annotation_errors
from heatsvc.annotation.inputs import InputFile
from heatsvc.annotation.names import VIDEO_EXTENSIONS
from heatsvc.annotation.native.frames import VideoAt, container_of, count_frames
from heatsvc.annotation.sources.archives import ArchiveLister
from heatsvc.bounds import Bounds, usable_cores
from heatsvc.cancel import CancelToken
from heatsvc.child import ChildError, run_in_child
from heatsvc.pose.archives.zip import is_hidden
from heatsvc.pose.readers.folder import files_in_folder

MEMORY_BYTES = 2 << 30
SECONDS = 120.0


_HEAD = 512
_VIDEOS_PER_CHILD = 64
_START_SECONDS = 30.0
_POLL_SECONDS = 0.1


class Video(NamedTuple):
    """A video.

    Attributes:
        name: its file name, with folders.
        at: location of its bytes.
        where: its name for messages, with the archive that contains it.
        file: name of the file or archive.
    """

    name: str
    at: VideoAt
    where: str
    file: str


def videos_in(file: InputFile, unpacked: Path, bounds: Bounds, token: CancelToken) -> list[Video] | None:
    """The video in a file, or the videos of an archive, detected by content; None if the file is neither.

    Args:
        file: the file.
        unpacked: the file to which a compressed tar archive is unpacked.
        bounds: limits of an archive.
        token: checked between steps; cancels the work.

    Raises:
        AnnotationError: the archive is damaged, or has no videos.
        LimitError: the archive has more members than max_dataset_files, or more bytes than max_dataset_bytes.
    """
    with file.path.open("rb") as opened:
        container = container_of(opened.read(_HEAD))
    if container is not None:
        at = VideoAt(str(file.path), 0, file.path.stat().st_size, container=container)
        return [Video(file.name, at, file.name, file.name)]
    with as_annotation_errors(file.name):
        members = ArchiveLister(file, unpacked, _is_video, bounds, token).files()
    if members is None:
        return None
    if not members:
        raise AnnotationError(f"the archive has no videos ({', '.join(VIDEO_EXTENSIONS)})", file=file.name)
    videos = []
    for member in members:
        member.check_ratio(bounds)
        at = VideoAt(
            member.path, member.offset, member.size or 0, member.zipped, member.unpacked if member.deflated else 0
        )
        videos.append(Video(member.name, at, f"{file.name}, {member.name}", file.name))
    return videos


def videos_under(folder: Path, bounds: Bounds, token: CancelToken) -> Iterator[Video]:
    """The videos in a folder and its subfolders, named by their relative paths. Links out of it are not followed.

    Raises:
        LimitError: there are more files than max_dataset_files.
    """
    for count, (name, entry) in enumerate(files_in_folder(folder, _is_video, token), 1):
        bounds.check("max_dataset_files", count, "videos in a folder", file=folder.name)
        yield Video(name, VideoAt(entry.path, 0, entry.stat().st_size), name, name)


def _is_video(name: str) -> bool:
    """Whether a file is read as a video, by its name; others (tables, hidden files) are ignored."""
    return name.lower().endswith(VIDEO_EXTENSIONS) and not is_hidden(name)


def count_all(videos: Sequence[Video], work: Path, bounds: Bounds, token: CancelToken) -> list[int]:
    """Count the frames of each video, on all cores, in child processes that each process many videos.

    Args:
        videos: the videos.
        work: a folder for unpacked videos.
        bounds: max_frames.
        token: checked between steps; cancels the work.

    Raises:
        AnnotationError: a video cannot be read; the error is about the first one.
        LimitError: a video has more frames than max_frames.
    """
    if not videos:
        return []
    workers = min(usable_cores(), len(videos))
    share = min(-(-len(videos) // workers), _VIDEOS_PER_CHILD)
    batches = [videos[start : start + share] for start in range(0, len(videos), share)]
    children = CancelToken()
    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(_count, batch, bounds.max_frames, str(work), children) for batch in batches]
        try:
            unfinished = set(futures)
            while unfinished:
                token.raise_if_cancelled()
                done, unfinished = wait(unfinished, timeout=_POLL_SECONDS)
                for future in done:
                    future.result()
        finally:
            children.cancel()
            pool.shutdown(cancel_futures=True)
    counts = []
    for video, count in zip(videos, (count for future in futures for count in future.result()), strict=True):
        if isinstance(count, str):
            raise AnnotationError(count, file=video.where)
        bounds.check("max_frames", count, "frames", file=video.where)
        counts.append(count)
    return counts


def _count(videos: Sequence[Video], max_frames: int, work: str, token: CancelToken) -> list[int | str]:
    """The results of a child process for these videos; if it dies, the results of one child process per video."""
    token.raise_if_cancelled()
    try:
        return run_in_child(
            count_frames,
            [tuple(video.at) for video in videos],
            max_frames,
            SECONDS,
            work,
            memory_bytes=MEMORY_BYTES,
            seconds=SECONDS * len(videos) + _START_SECONDS,
            token=token,
        )
    except ChildError as error:
        if len(videos) == 1:
            return [f"the video cannot be read: {error}"]
    return [count for video in videos for count in _count([video], max_frames, work, token)]
