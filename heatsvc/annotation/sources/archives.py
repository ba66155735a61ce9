"""Archives of keypoint files or videos: zip and tar, the latter also compressed with gzip or zstd."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, BinaryIO, cast

import zstandard

from heatsvc.annotation.inputs import InputFile
from heatsvc.annotation.sources.stored_file import StoredFile
from heatsvc.bounds import Bounds
from heatsvc.errors import InputError
from heatsvc.pose.clip import PoseError

EXTENSIONS = (".npy", ".npz", ".pose", ".json", ".zip", ".pkl", ".pickle")
"""Of keypoint files. Others beside them (a README, the videos) are left alone."""


def is_keypoints(name: str) -> bool:
    """Whether a file is to be read, by its name; what desktops hide is not."""
    if not name.lower().endswith(EXTENSIONS):
        return False
    parts = name.replace("\\", "/").split("/")
    return parts[0] != "__MACOSX" and not parts[-1].startswith(".")


def check_member(name: str, file: str) -> str:
    """A member's name with ``/`` between folders.

    Raises:
        PoseError: absolute, with a drive, or leading upwards.
    """
    parts = name.replace("\\", "/").split("/")
    if ".." in parts or not parts[0] or ":" in parts[0]:
        raise PoseError(f"the archive's member {name!a:.80} leads out of it: names must be relative", file=file)
    return "/".join(part for part in parts if part != ".")


class BoundedFile(io.RawIOBase):
    """A binary file for `zipfile` and `tarfile`, which believe what a header says of the size of the next one.

    Args:
        file: the archive.
        most: bytes that may be read in all, or until start_over is called.
        name: of the archive, for messages.
    """

    def __init__(self, file: BinaryIO, most: int, name: str):
        super().__init__()
        self._file, self._most, self._name = file, most, name
        self._left = most

    def start_over(self) -> None:
        """Forget what was read so far: a new member begins."""
        self._left = self._most

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes.

        Raises:
            PoseError: more than `most` were asked for, at once or in many pieces.
        """
        # `zipfile` reads an archive's last bytes without saying how many they are.
        data = self._file.read(self._left + 1 if size is None or size < 0 else min(size, self._left + 1))
        self._left -= len(data)
        if self._left < 0:
            raise PoseError(f"the archive's list of files is larger than {self._most:,} bytes", file=self._name)
        return data

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """As the file itself."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """As the file itself."""
        return self._file.tell()

    def seekable(self) -> bool:
        """It is."""
        return True

    def readable(self) -> bool:
        """It is."""
        return True


MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_DIRECTORY_ENTRY = 256


def files_in_zip(source: InputFile, bounds: Bounds) -> Iterator[StoredFile]:
    """Its members of keypoints. An `.npz` that is one clip (it has a `keypoint.npy`) is that one file.

    Raises:
        PoseError: no readable archive, an encrypted or otherwise packed member, or a name that leads out of it.
        LimitError: more members than max_dataset_files, or more bytes than max_dataset_bytes.
    """
    infos = _infos(source, bounds)
    if any(info.filename == "keypoint.npy" for info in infos):
        yield StoredFile(source.name, str(source.path))
        return
    for name, info in _wanted(source, infos, is_keypoints, bounds):
        yield StoredFile(
            name,
            str(source.path),
            info.header_offset,
            info.compress_size,
            member=True,
            deflated=info.compress_type == zipfile.ZIP_DEFLATED,
            unpacked=info.file_size,
        )


def members(source: InputFile, wanted: Callable[[str], bool], bounds: Bounds) -> Iterator[tuple[str, zipfile.ZipInfo]]:
    """Its files that are wanted, by their names, each stored or deflated.

    Raises:
        PoseError, LimitError: as files_in_zip.
    """
    return _wanted(source, _infos(source, bounds), wanted, bounds)


def _wanted(
    source: InputFile, infos: Sequence[zipfile.ZipInfo], wanted: Callable[[str], bool], bounds: Bounds
) -> Iterator[tuple[str, zipfile.ZipInfo]]:
    bounds.check("max_dataset_files", len(infos), "files in an archive", file=source.name)
    size = 0
    for info in infos:
        if info.is_dir() or not wanted(info.filename):
            continue
        name = check_member(info.filename, source.name)
        if info.flag_bits & 1:
            raise PoseError(f"the archive's {name!a:.80} is encrypted: send it open", file=source.name)
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise PoseError(f"the archive's {name!a:.80} is not stored or deflated: pack it so", file=source.name)
        size += info.file_size
        bounds.check("max_dataset_bytes", size, "bytes in an archive", file=source.name)
        yield name, info


def _infos(source: InputFile, bounds: Bounds) -> list[zipfile.ZipInfo]:
    try:
        with source.path.open("rb") as file:
            bounded = BoundedFile(file, bounds.max_dataset_files * _DIRECTORY_ENTRY, source.name)
            with zipfile.ZipFile(cast(IO[bytes], bounded)) as archive:
                return archive.infolist()
    except InputError:
        raise
    except (zipfile.BadZipFile, OSError, ValueError, LookupError, OverflowError, NotImplementedError) as error:
        text = str(error) or type(error).__name__
        raise PoseError(f"the zip archive is damaged: {text:.100}", file=source.name) from None


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
    source: InputFile, path: Path, bounds: Bounds, check_cancelled: Callable[[], None]
) -> Iterator[StoredFile]:
    """Its regular files of keypoints; links, devices and folders are left alone.

    Args:
        source: the archive as it was sent, for messages.
        path: the plain tar archive.

    Raises:
        PoseError: no readable archive, or a name that leads out of it.
        LimitError: more members than max_dataset_files, or more bytes than max_dataset_bytes.
    """
    size = 0
    for member in regular_members(source, path, bounds, check_cancelled):
        if not is_keypoints(member.name):
            continue
        size += member.size
        bounds.check("max_dataset_bytes", size, "bytes in an archive", file=source.name)
        yield StoredFile(check_member(member.name, source.name), str(path), member.offset_data, member.size)


def regular_members(
    source: InputFile, path: Path, bounds: Bounds, check_cancelled: Callable[[], None]
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
            bounded = BoundedFile(file, _LONGEST_HEADER, source.name)
            with tarfile.open(fileobj=cast(IO[bytes], bounded), mode="r:") as archive:
                while (member := archive.next()) is not None:
                    check_cancelled()
                    archive.members = []  # type: ignore[attr-defined]  # it keeps all that it has seen
                    bounded.start_over()
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


def unpack_tar(source: InputFile, target: Path, bounds: Bounds, check_cancelled: Callable[[], None]) -> Path:
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
                check_cancelled()
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
