"""Videos whose frames are counted: files, those of a folder, and those in archives."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.inputs import InputFile
from heatsvc.annotation.names import VIDEO_EXTENSIONS
from heatsvc.annotation.native.frames import VideoAt, container_of
from heatsvc.annotation.sources import tar_archive, zip_archive
from heatsvc.annotation.sources.member_names import check_member
from heatsvc.bounds import Bounds
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


def videos_in(file: InputFile, unpacked: Path, bounds: Bounds, keep_going: Callable[[], None]) -> list[Video] | None:
    """The videos that a file is or holds, told by its content; None where it is neither video nor archive.

    Args:
        file: the file.
        unpacked: where a packed archive is unpacked to.
        bounds, keep_going: as in `read_trim`.

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
        if head[:4] in zip_archive.MAGIC:
            videos = list(_in_zip(file, bounds))
        elif head.startswith((tar_archive.GZIP_MAGIC, tar_archive.ZSTD_MAGIC)):
            plain = tar_archive.unpack_tar(file, unpacked, bounds, keep_going)
            videos = list(_in_tar(file, plain, bounds, keep_going))
        elif head[tar_archive.TAR_MAGIC_AT :].startswith(tar_archive.TAR_MAGIC):
            videos = list(_in_tar(file, file.path, bounds, keep_going))
        else:
            return None
    except LimitError:
        raise
    except InputError as error:
        raise AnnotationError(error.detail, file=file.name) from None
    if not videos:
        raise AnnotationError(f"the archive holds no video ({', '.join(VIDEO_EXTENSIONS)})", file=file.name)
    return videos


def videos_under(folder: Path, bounds: Bounds, keep_going: Callable[[], None]) -> Iterator[Video]:
    """The videos of a folder and all below it, named by their way from it. Links are not followed out of it.

    Raises:
        LimitError: more files than max_dataset_files.
    """
    root = os.path.realpath(folder)
    count = 0
    for path, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            keep_going()
            full = os.path.join(path, name)
            real = os.path.realpath(full)
            if not _is_video(name) or not os.path.isfile(real) or os.path.commonpath((real, root)) != root:
                continue
            count += 1
            bounds.check("max_dataset_files", count, "videos in a folder", file=folder.name)
            relative = os.path.relpath(full, root).replace(os.sep, "/")
            yield Video(relative, VideoAt(full, 0, os.path.getsize(full)), relative, relative)


def _in_zip(file: InputFile, bounds: Bounds) -> Iterator[Video]:
    for name, info in zip_archive.members(file, _is_video, bounds):
        if info.file_size > _RATIO_FROM:
            ratio = info.file_size // max(info.compress_size, 1)
            bounds.check("max_archive_ratio", ratio, "bytes for each byte of the archive", file=file.name)
        deflated = info.compress_type == zipfile.ZIP_DEFLATED
        at = VideoAt(str(file.path), info.header_offset, info.compress_size, True, info.file_size if deflated else 0)
        yield Video(name, at, f"{file.name}, {name}", file.name)


def _in_tar(file: InputFile, path: Path, bounds: Bounds, keep_going: Callable[[], None]) -> Iterator[Video]:
    for member in tar_archive.regular_members(file, path, bounds, keep_going):
        if _is_video(member.name):
            name = check_member(member.name, file.name)
            at = VideoAt(str(path), member.offset_data, member.size)
            yield Video(name, at, f"{file.name}, {name}", file.name)


def _is_video(name: str) -> bool:
    """By its name: what else lies beside videos, tables and a desktop's hidden files, is left alone."""
    parts = name.replace("\\", "/").split("/")
    return parts[0] != "__MACOSX" and not parts[-1].startswith(".") and name.lower().endswith(VIDEO_EXTENSIONS)
