"""Zip archives from strangers: bounded in members, in unpacked bytes and in ratio; names are names, never paths."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

from heatsvc.bounds import Bounds, go_on
from heatsvc.errors import InputError
from heatsvc.pose.clip import PoseError

MAGIC = (b"PK\x03\x04", b"PK\x05\x06")

# A record of the central directory (APPNOTE 4.3.12): counted before `zipfile` makes an object for each.
_DIRECTORY_RECORD = b"PK\x01\x02"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_CHUNK = 1 << 16
# Zeros deflate a thousandfold and a clip of zeros is honest: below this size the ratio says nothing.
_RATIO_FROM = 1 << 20
_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError),
    *(ValueError, LookupError, OverflowError, NotImplementedError, RuntimeError),
)


@dataclass(frozen=True, slots=True)
class Member:
    """A file of an archive."""

    name: str
    data: bytes


def member_names(data: bytes, *, bounds: Bounds, file: str | None = None) -> list[str]:
    """Names of the files in it, in the archive's order; folders and a desktop's hidden files are left out.

    Raises:
        PoseError: no readable zip archive, or a name that leads out of it.
        LimitError: more members than max_archive_members.
    """
    with _damage_told(file):
        return [info.filename for info in _infos(data, bounds, file)]


def unpack(
    data: bytes, *, bounds: Bounds, file: str | None = None, check: Callable[[], None] = go_on
) -> Iterator[Member]:
    """The archive's files, one after the other.

    What is counted is what comes out, not what the archive says of itself: max_unpacked_bytes over all members, and
    max_archive_ratio times the archive's own bytes (once more than 1 MiB came out): overlapping members gain nothing.

    Args:
        check: called for every chunk; raises what should end the work.

    Raises:
        PoseError: damaged, encrypted, packed by a method other than deflate, or a name that leads out of it.
        LimitError: more members, bytes, or bytes for its size, than `bounds` allow.
    """
    with _damage_told(file):
        infos = _infos(data, bounds, file)
        archive = zipfile.ZipFile(BytesIO(data))
    _check_size(sum(info.file_size for info in infos), len(data), bounds, file)
    unpacked = 0
    for info in infos:
        chunks = []
        with _damage_told(file):
            stream = archive.open(info)
        while True:
            check()
            with _damage_told(file):
                chunk = stream.read(_CHUNK)
            if not chunk:
                break
            unpacked += len(chunk)
            _check_size(unpacked, len(data), bounds, file)
            chunks.append(chunk)
        yield Member(info.filename, b"".join(chunks))


@contextmanager
def _damage_told(file: str | None) -> Iterator[None]:
    """What `zipfile` raises becomes a PoseError. Nothing else is done within: what `check` raises is the caller's."""
    try:
        yield
    except InputError:
        raise
    except _DAMAGED as error:
        raise PoseError(f"the zip archive is damaged: {str(error) or type(error).__name__:.100}", file=file) from None


def _infos(data: bytes, bounds: Bounds, file: str | None) -> list[zipfile.ZipInfo]:
    bounds.check("max_archive_members", data.count(_DIRECTORY_RECORD), "archive members", file=file)
    with zipfile.ZipFile(BytesIO(data)) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir() and not _hidden(info.filename)]
    for info in infos:
        _check_name(info.filename, file)
        if info.flag_bits & 1:
            raise PoseError(f"the archive's {info.filename!a:.80} is encrypted: send it open", file=file)
        if info.compress_type not in _METHODS:
            raise PoseError(f"the archive's {info.filename!a:.80} is not stored or deflated: pack it so", file=file)
    return infos


def _check_name(name: str, file: str | None) -> None:
    parts = name.replace("\\", "/").split("/")
    if ".." in parts or not parts[0] or ":" in parts[0]:
        raise PoseError(f"the archive's member {name!a:.80} leads out of it: names must be relative", file=file)


def _hidden(name: str) -> bool:
    """What desktops add: `.DS_Store`, `__MACOSX/._clip.json`. `..` is not hidden but refused."""
    parts = name.replace("\\", "/").split("/")
    return parts[0] == "__MACOSX" or (parts[-1].startswith(".") and ".." not in parts)


def _check_size(unpacked: int, packed: int, bounds: Bounds, file: str | None) -> None:
    bounds.check("max_unpacked_bytes", unpacked, "unpacked bytes", file=file)
    if unpacked > _RATIO_FROM:
        bounds.check("max_archive_ratio", unpacked // max(packed, 1), "bytes for each byte of the archive", file=file)
