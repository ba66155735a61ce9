"""A tar archive of keypoint files, plain or as .tar.gz or .tar.zst; packed ones are unpacked to a plain one first."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, BinaryIO, cast

import zstandard

from heatsvc.annotation.inputs import InputFile
from heatsvc.annotation.sources.frugal import Frugal
from heatsvc.annotation.sources.keypoint_file import KeypointFile
from heatsvc.annotation.sources.member_names import check_member, is_keypoints
from heatsvc.bounds import Bounds
from heatsvc.errors import InputError
from heatsvc.pose.clip import PoseError

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
TAR_MAGIC = b"ustar"
"""At byte 257 of a tar archive (POSIX 1003.1, ustar)."""
TAR_MAGIC_AT = 257

_CHUNK = 1 << 20
# All that stands before a member's bytes: long names, pax records, maps of holes. A hostile header tells of gigabytes.
_LONGEST_HEADER = 1 << 20
_RATIO_FROM = 64 << 20
_LARGEST_WINDOW = 128 << 20


def files_in_tar(
    source: InputFile, path: Path, bounds: Bounds, keep_going: Callable[[], None]
) -> Iterator[KeypointFile]:
    """Its regular files of keypoints; links, devices and folders are left alone.

    Args:
        source: the archive as it was sent, for messages.
        path: the plain tar archive.

    Raises:
        PoseError: no readable archive, or a name that leads out of it.
        LimitError: more members than max_dataset_files, or more bytes than max_dataset_bytes.
    """
    size = 0
    for member in regular_members(source, path, bounds, keep_going):
        if not is_keypoints(member.name):
            continue
        size += member.size
        bounds.check("max_dataset_bytes", size, "bytes in an archive", file=source.name)
        yield KeypointFile(check_member(member.name, source.name), str(path), member.offset_data, member.size)


def regular_members(
    source: InputFile, path: Path, bounds: Bounds, keep_going: Callable[[], None]
) -> Iterator[tarfile.TarInfo]:
    """Its regular files. Names are as they stand there, and may lead anywhere.

    Args:
        source, path: as in files_in_tar.

    Raises:
        PoseError: no readable archive, or one that is damaged before its end.
        LimitError: more members than max_dataset_files.
    """
    count = 0
    try:
        with path.open("rb") as file:
            frugal = Frugal(file, _LONGEST_HEADER, source.name)
            with tarfile.open(fileobj=cast(IO[bytes], frugal), mode="r:") as archive:
                while (member := archive.next()) is not None:
                    keep_going()
                    archive.members = []  # type: ignore[attr-defined]  # it keeps all that it has seen
                    frugal.start_over()
                    count += 1
                    bounds.check("max_dataset_files", count, "files in an archive", file=source.name)
                    if member.isreg() and not member.issparse():
                        yield member
                # `tarfile` takes a damaged header for the archive's end, where zeros should be, or nothing.
                file.seek(archive.offset)
                if file.read(tarfile.BLOCKSIZE).strip(b"\0"):
                    raise tarfile.ReadError(f"what follows its first {count:,} members is no header")
    except InputError:
        raise
    except RecursionError:
        # Each header of a long name is read by a call within the one before.
        raise PoseError(
            "the tar archive is damaged: a long name has a long name, and so on", file=source.name
        ) from None
    except (tarfile.TarError, OSError, ValueError, LookupError, OverflowError, EOFError) as error:
        text = str(error) or type(error).__name__
        raise PoseError(f"the tar archive is damaged: {text:.100}", file=source.name) from None


def unpack_tar(source: InputFile, target: Path, bounds: Bounds, keep_going: Callable[[], None]) -> Path:
    """A packed tar archive as a plain one at `target`, which is there whole or not at all.

    Raises:
        PoseError: damaged.
        LimitError: more than max_dataset_bytes, or max_archive_ratio times its own size.
    """
    if target.exists():
        return target
    packed, size = source.path.stat().st_size, 0
    aside = target.with_suffix(".part")
    try:
        with source.path.open("rb") as raw, aside.open("wb") as out, _opened(raw) as stream:
            while chunk := stream.read(_CHUNK):
                keep_going()
                size += len(chunk)
                bounds.check("max_dataset_bytes", size, "unpacked bytes", file=source.name)
                if size > _RATIO_FROM:
                    bounds.check(
                        "max_archive_ratio", size // packed, "bytes for each byte of the archive", file=source.name
                    )
                out.write(chunk)
        aside.replace(target)
    except (zlib.error, gzip.BadGzipFile, zstandard.ZstdError, EOFError) as error:
        text = str(error) or type(error).__name__
        raise PoseError(f"the archive is damaged: {text:.100}", file=source.name) from None
    finally:
        aside.unlink(missing_ok=True)
    return target


def _opened(raw: BinaryIO) -> IO[bytes]:
    magic = raw.read(4)
    raw.seek(0)
    if magic == ZSTD_MAGIC:
        # One of its own: a decompressor that threads share crashes the process.
        decompressor = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW)
        return cast(IO[bytes], decompressor.stream_reader(raw, read_across_frames=True))
    return cast(IO[bytes], gzip.GzipFile(fileobj=raw))
