"""Reads untrusted zip archives, with limits of members, unpacked size and ratio; names are never used as paths."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import BinaryIO, NamedTuple

from heatsvc.bounds import Bounds
from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.errors import InputError
from heatsvc.pose.archives.limits import UnpackLimits
from heatsvc.pose.archives.names import decode_names
from heatsvc.pose.errors import PoseError

MAGIC = (b"PK\x03\x04", b"PK\x05\x06")

# APPNOTE 4.4.4 and 4.6.9.
_UTF8, _UNICODE_PATH = 1 << 11, 0x7075
# Signature of the central directory's records (APPNOTE 4.3.12), counted before `zipfile` makes an object for each.
_DIRECTORY_RECORD = b"PK\x01\x02"
_CHUNK = 1 << 16
_ZIP_ERRORS = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError),
    *(ValueError, LookupError, OverflowError, NotImplementedError, RuntimeError),
)


class ZipMembers(NamedTuple):
    """The files of a zip archive.

    Attributes:
        infos: the files in the archive's order; `filename` is decoded.
        encoding: guessed encoding of names that do not declare theirs; "" if all do, or are ASCII.
    """

    infos: list[zipfile.ZipInfo]
    encoding: str


def list_members(archive: BinaryIO, *, file: str | None = None) -> ZipMembers:
    """The files of a zip archive. Their names and contents are not checked.

    Raises:
        PoseError: not a readable zip archive.
    """
    with _errors_as_pose_errors(file), zipfile.ZipFile(archive) as opened:
        infos = opened.infolist()
        undeclared = []
        for info in infos:
            if info.flag_bits & _UTF8 or info.orig_filename.isascii():
                continue
            raw = info.orig_filename.partition("\0")[0].encode("cp437")
            if (name := _unicode_path(info.extra, raw)) is not None:
                info.filename = name
            else:
                undeclared.append((info, raw))
        names, encoding = decode_names([raw for _, raw in undeclared])
        for (info, _), name in zip(undeclared, names, strict=True):
            info.filename = name
        return ZipMembers([info for info in infos if not info.is_dir()], encoding)


def _unicode_path(extra: bytes, raw: bytes) -> str | None:
    """A name in Info-ZIP's Unicode Path Extra Field (APPNOTE 4.6.9), if it belongs to the name in the header."""
    while len(extra) >= 4:
        kind, size = struct.unpack("<HH", extra[:4])
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == _UNICODE_PATH and len(field) > 5:
            version, checksum = struct.unpack("<BL", field[:5])
            if version == 1 and checksum == zlib.crc32(raw):
                return field[5:].decode()
    return None


def check_member(info: zipfile.ZipInfo, *, file: str | None = None) -> str:
    """A member's name, with ``/`` between folders.

    Raises:
        PoseError: the member is encrypted or neither stored nor deflated, or its name is not relative.
    """
    name = check_member_name(info.filename, file=file)
    if info.flag_bits & 1:
        raise PoseError(f"the archive's {info.filename!r:.80} is encrypted: pack it without a password", file=file)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise PoseError(
            f"the archive's {info.filename!r:.80} uses an unsupported compression method: pack it with deflate",
            file=file,
        )
    return name


def check_member_name(name: str, *, file: str | None = None) -> str:
    """Normalize a name to ``/`` between folders.

    Raises:
        PoseError: the name is absolute, has a drive, or contains `..`.
    """
    parts = name.replace("\\", "/").split("/")
    if ".." in parts or not parts[0] or ":" in parts[0]:
        raise PoseError(f"the archive's member {name!r:.80} leads out of it: names must be relative", file=file)
    return "/".join(part for part in parts if part != ".")


def is_hidden(name: str) -> bool:
    """Whether a file is hidden, or metadata of macOS: `.DS_Store`, `__MACOSX/._clip.json`."""
    parts = name.replace("\\", "/").split("/")
    return parts[0] == "__MACOSX" or (parts[-1].startswith(".") and ".." not in parts)


def member_names(data: bytes, *, bounds: Bounds, file: str | None = None) -> list[str]:
    """Names of the files in it, in the archive's order; folders and hidden files are left out.

    Raises:
        PoseError: not a readable zip archive, or a member as in `check_member`.
        LimitError: more members than max_archive_members.
    """
    return [info.filename for info in _visible_members(data, bounds, file).infos]


def unpack(
    data: bytes,
    *,
    bounds: Bounds,
    file: str | None = None,
    token: CancelToken = NEVER_CANCELLED,
    limits: UnpackLimits | None = None,
    encodings: set[str] | None = None,
) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of the archive's files.

    Unpacked bytes are counted instead of the sizes in the archive, so that overlapping members are limited too:
    max_unpacked_bytes over all members, and max_archive_ratio times the archive's size (from 1 MiB on).

    Args:
        token: checked at every chunk.
        limits: the limits of the outer archive, if any.
        encodings: collects the guessed encodings of names that do not declare theirs.

    Raises:
        PoseError: the archive is damaged, or `check_member` refuses a member.
        LimitError: the number of members, the size or the ratio exceeds a bound.
    """
    infos, encoding = _visible_members(data, bounds, file)
    if encodings is not None and encoding:
        encodings.add(encoding)
    limits = limits or UnpackLimits(bounds, len(data), file)
    with _errors_as_pose_errors(file):
        archive = zipfile.ZipFile(BytesIO(data))
    limits.add_members(len(infos))
    limits.check_bytes(sum(info.file_size for info in infos))
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
            limits.add_bytes(len(chunk))
            chunks.append(chunk)
        yield info.filename, b"".join(chunks)


@contextmanager
def _errors_as_pose_errors(file: str | None) -> Iterator[None]:
    """Convert errors of `zipfile` to PoseError. Use it only around calls of `zipfile`, not around a token's checks."""
    try:
        yield
    except InputError:
        raise
    except _ZIP_ERRORS as error:
        raise PoseError(f"the zip archive is damaged: {str(error) or type(error).__name__:.100}", file=file) from None


def _visible_members(data: bytes, bounds: Bounds, file: str | None) -> ZipMembers:
    bounds.check("max_archive_members", data.count(_DIRECTORY_RECORD), "archive members", file=file)
    members = list_members(BytesIO(data), file=file)
    infos = [info for info in members.infos if not is_hidden(info.filename)]
    for info in infos:
        check_member(info, file=file)
    return ZipMembers(infos, members.encoding)
