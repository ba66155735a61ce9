"""Archives of keypoint files or of videos: zip, and tar, which may be compressed with gzip or zstd."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, BinaryIO, cast

import zstandard

from heatsvc.annotation.inputs import InputFile
from heatsvc.annotation.sources.stored_file import StoredFile
from heatsvc.bounds import Bounds
from heatsvc.cancel import CancelToken
from heatsvc.errors import InputError
from heatsvc.pose.errors import PoseError
from heatsvc.pose.readers.archive import MAGIC as ZIP_MAGIC
from heatsvc.pose.readers.archive import check_member, check_member_name, list_members

_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
# At byte 257 of a tar archive (POSIX 1003.1, ustar).
_TAR_MAGIC, _TAR_MAGIC_AT = b"ustar", 257
_CHUNK = 1 << 20
# Bytes of an entry in a zip archive's directory, and of all tar headers of one member (long names, pax records, maps of
# holes): a hostile header may announce gigabytes.
_ZIP_ENTRY = 256
_TAR_HEADERS = 1 << 20
_RATIO_FROM = 64 << 20
_LARGEST_WINDOW = 128 << 20
# Of an `.npz` that is one clip, and no archive of several.
_NPZ_MEMBER = "keypoint.npy"


class _BoundedFile(io.RawIOBase):
    """A binary file of which only so many bytes can be read: `zipfile` and `tarfile` trust sizes in headers.

    Args:
        file: the archive.
        limit: bytes that may be read in all, or until `reset` is called.
        name: of the archive, for messages.
    """

    def __init__(self, file: BinaryIO, limit: int, name: str):
        super().__init__()
        self._file, self._limit, self._name = file, limit, name
        self._left = limit

    def reset(self) -> None:
        """Count from zero again, since a new member begins."""
        self._left = self._limit

    def read(self, size: int | None = -1, /) -> bytes:
        # `zipfile` reads an archive's last bytes without a size.
        data = self._file.read(self._left + 1 if size is None or size < 0 else min(size, self._left + 1))
        self._left -= len(data)
        if self._left < 0:
            raise PoseError(f"the archive's list of files is larger than {self._limit:,} bytes", file=self._name)
        return data

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


def archive_members(
    source: InputFile, unpacked: Path, wanted: Callable[[str], bool], bounds: Bounds, token: CancelToken
) -> list[StoredFile] | None:
    """The regular files of an archive, detected by its content; None where the file is not an archive.

    Args:
        source: the file.
        unpacked: where a compressed tar archive is unpacked to; if the file exists, it is used.
        wanted: chooses members by name. An `.npz` of one clip counts as one file of keypoints, if these are wanted.

    Raises:
        PoseError: a damaged archive, a member that is encrypted or packed otherwise, or a name that is not relative.
        LimitError: more members than max_dataset_files, or more bytes than max_dataset_bytes.
    """
    with source.path.open("rb") as file:
        head = file.read(_TAR_MAGIC_AT + len(_TAR_MAGIC))
    if head[:4] in ZIP_MAGIC:
        return list(_zip_members(source, wanted, bounds))
    if head.startswith((_GZIP_MAGIC, _ZSTD_MAGIC)):
        return list(_tar_members(source, _unpack_tar(source, unpacked, bounds, token), wanted, bounds, token))
    if head[_TAR_MAGIC_AT:] == _TAR_MAGIC:
        return list(_tar_members(source, source.path, wanted, bounds, token))
    return None


def _zip_members(source: InputFile, wanted: Callable[[str], bool], bounds: Bounds) -> Iterator[StoredFile]:
    with source.path.open("rb") as file:
        bounded = _BoundedFile(file, bounds.max_dataset_files * _ZIP_ENTRY, source.name)
        infos = list_members(cast(BinaryIO, bounded), file=source.name)
    path, size = str(source.path), 0
    if wanted(_NPZ_MEMBER) and any(info.filename == _NPZ_MEMBER for info in infos):
        yield StoredFile(source.name, path)
        return
    bounds.check("max_dataset_files", len(infos), "files in an archive", file=source.name)
    for info in infos:
        if not wanted(info.filename):
            continue
        name = check_member(info, file=source.name)
        size += info.file_size
        bounds.check("max_dataset_bytes", size, "bytes in an archive", file=source.name)
        deflated = info.compress_type == zipfile.ZIP_DEFLATED
        yield StoredFile(name, path, info.header_offset, info.compress_size, True, deflated, info.file_size)


def _tar_members(
    source: InputFile, path: Path, wanted: Callable[[str], bool], bounds: Bounds, token: CancelToken
) -> Iterator[StoredFile]:
    """Regular files of the tar archive at `path`; links, devices and folders are ignored."""
    count = size = 0
    try:
        with path.open("rb") as file:
            bounded = _BoundedFile(file, _TAR_HEADERS, source.name)
            with tarfile.open(fileobj=cast(IO[bytes], bounded), mode="r:") as archive:
                while (member := archive.next()) is not None:
                    token.raise_if_cancelled()
                    archive.members = []  # type: ignore[attr-defined]  # it keeps every member that it has read
                    bounded.reset()
                    count += 1
                    bounds.check("max_dataset_files", count, "files in an archive", file=source.name)
                    if not member.isreg() or member.issparse() or not wanted(member.name):
                        continue
                    size += member.size
                    bounds.check("max_dataset_bytes", size, "bytes in an archive", file=source.name)
                    name = check_member_name(member.name, file=source.name)
                    yield StoredFile(name, str(path), member.offset_data, member.size)
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


def _unpack_tar(source: InputFile, target: Path, bounds: Bounds, token: CancelToken) -> Path:
    """Decompress a tar archive to `target`, which exists completely or not at all."""
    if target.exists():
        return target
    packed, size = source.path.stat().st_size, 0
    partial = target.with_suffix(".part")
    try:
        with source.path.open("rb") as raw, partial.open("wb") as out, _decompressed(raw) as stream:
            while chunk := stream.read(_CHUNK):
                token.raise_if_cancelled()
                size += len(chunk)
                bounds.check("max_dataset_bytes", size, "unpacked bytes", file=source.name)
                if size > _RATIO_FROM:
                    ratio = size // packed
                    bounds.check("max_archive_ratio", ratio, "bytes for each byte of the archive", file=source.name)
                out.write(chunk)
        partial.replace(target)
    except (zlib.error, gzip.BadGzipFile, zstandard.ZstdError, EOFError) as error:
        text = str(error) or type(error).__name__
        raise PoseError(f"the archive is damaged: {text:.100}", file=source.name) from None
    finally:
        partial.unlink(missing_ok=True)
    return target


def _decompressed(raw: BinaryIO) -> IO[bytes]:
    magic = raw.read(4)
    raw.seek(0)
    if magic == _ZSTD_MAGIC:
        # A decompressor that threads share crashes the process.
        decompressor = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW)
        return cast(IO[bytes], decompressor.stream_reader(raw, read_across_frames=True))
    return cast(IO[bytes], gzip.GzipFile(fileobj=raw))
