"""Zip archives from untrusted senders: bounded in members, unpacked bytes and ratio; names never become paths."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import BinaryIO

from heatsvc.bounds import Bounds
from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.errors import InputError
from heatsvc.pose.errors import PoseError

MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
RATIO_FROM = 1 << 20
"""Bytes from which on the ratio is checked: zeros deflate a thousandfold, and a small clip may well be all zeros."""

# A record of the central directory (APPNOTE 4.3.12): counted before `zipfile` makes an object for each.
_DIRECTORY_RECORD = b"PK\x01\x02"
_CHUNK = 1 << 16
_ZIP_ERRORS = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError),
    *(ValueError, LookupError, OverflowError, NotImplementedError, RuntimeError),
)


def list_members(archive: BinaryIO, *, file: str | None = None) -> list[zipfile.ZipInfo]:
    """The files of a zip archive in its order, without folders. Their names and contents are not checked.

    Raises:
        PoseError: not a readable zip archive.
    """
    with _errors_as_pose_errors(file), zipfile.ZipFile(archive) as opened:
        return [info for info in opened.infolist() if not info.is_dir()]


def check_member(info: zipfile.ZipInfo, *, file: str | None = None) -> str:
    """A member's name, with ``/`` between folders.

    Raises:
        PoseError: the member is encrypted or neither stored nor deflated, or its name is not relative.
    """
    name = check_member_name(info.filename, file=file)
    if info.flag_bits & 1:
        raise PoseError(f"the archive's {info.filename!a:.80} is encrypted: send it open", file=file)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise PoseError(f"the archive's {info.filename!a:.80} is not stored or deflated: pack it so", file=file)
    return name


def check_member_name(name: str, *, file: str | None = None) -> str:
    """A name with ``/`` between folders.

    Raises:
        PoseError: the name is absolute, has a drive or leads upwards.
    """
    parts = name.replace("\\", "/").split("/")
    if ".." in parts or not parts[0] or ":" in parts[0]:
        raise PoseError(f"the archive's member {name!a:.80} leads out of it: names must be relative", file=file)
    return "/".join(part for part in parts if part != ".")


def is_hidden(name: str) -> bool:
    """Whether a desktop added the file: `.DS_Store`, `__MACOSX/._clip.json`. `..` is not hidden but refused."""
    parts = name.replace("\\", "/").split("/")
    return parts[0] == "__MACOSX" or (parts[-1].startswith(".") and ".." not in parts)


def member_names(data: bytes, *, bounds: Bounds, file: str | None = None) -> list[str]:
    """Names of the files in it, in the archive's order; folders and hidden files are left out.

    Raises:
        PoseError: not a readable zip archive, or a member as in `check_member`.
        LimitError: more members than max_archive_members.
    """
    return [info.filename for info in _visible_members(data, bounds, file)]


def unpack(
    data: bytes, *, bounds: Bounds, file: str | None = None, token: CancelToken = NEVER_CANCELLED
) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the archive's files, one after the other.

    The bytes that are unpacked count, not the sizes in the archive: max_unpacked_bytes over all members, and
    max_archive_ratio times the archive's own bytes (from 1 MiB on). So overlapping members gain nothing.

    Args:
        token: checked at every chunk.

    Raises:
        PoseError: damaged, or a member as in `check_member`.
        LimitError: more members, bytes, or bytes for its size, than `bounds` allow.
    """
    infos = _visible_members(data, bounds, file)
    with _errors_as_pose_errors(file):
        archive = zipfile.ZipFile(BytesIO(data))
    _check_size(sum(info.file_size for info in infos), len(data), bounds, file)
    unpacked = 0
    for info in infos:
        chunks = []
        with _errors_as_pose_errors(file):
            stream = archive.open(info)
        while True:
            token.raise_if_cancelled()
            with _errors_as_pose_errors(file):
                chunk = stream.read(_CHUNK)
            if not chunk:
                break
            unpacked += len(chunk)
            _check_size(unpacked, len(data), bounds, file)
            chunks.append(chunk)
        yield info.filename, b"".join(chunks)


@contextmanager
def _errors_as_pose_errors(file: str | None) -> Iterator[None]:
    """What `zipfile` raises becomes a PoseError. Only its calls stand within: what a token raises is not its error."""
    try:
        yield
    except InputError:
        raise
    except _ZIP_ERRORS as error:
        raise PoseError(f"the zip archive is damaged: {str(error) or type(error).__name__:.100}", file=file) from None


def _visible_members(data: bytes, bounds: Bounds, file: str | None) -> list[zipfile.ZipInfo]:
    bounds.check("max_archive_members", data.count(_DIRECTORY_RECORD), "archive members", file=file)
    infos = [info for info in list_members(BytesIO(data), file=file) if not is_hidden(info.filename)]
    for info in infos:
        check_member(info, file=file)
    return infos


def _check_size(unpacked: int, packed: int, bounds: Bounds, file: str | None) -> None:
    bounds.check("max_unpacked_bytes", unpacked, "unpacked bytes", file=file)
    if unpacked > RATIO_FROM:
        bounds.check("max_archive_ratio", unpacked // max(packed, 1), "bytes for each byte of the archive", file=file)
