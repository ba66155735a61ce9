"""Tar archives from untrusted senders: the regular files in them, and where their bytes are."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from typing import IO, BinaryIO, NamedTuple, cast

from heatsvc.cancel import CancelToken
from heatsvc.errors import InputError
from heatsvc.pose.archives.limits import BoundedFile, UnpackLimits
from heatsvc.pose.archives.names import decode_names
from heatsvc.pose.archives.zip import check_member_name
from heatsvc.pose.errors import PoseError

# Bytes of all headers of one member (long names, pax records, maps of holes): a hostile header may announce gigabytes.
_HEADERS = 1 << 20


class TarMember(NamedTuple):
    """A regular file in a tar archive.

    Attributes:
        name: with ``/`` between folders.
        offset: where its bytes begin.
        size: number of its bytes.
    """

    name: str
    offset: int
    size: int


class TarMembers(NamedTuple):
    """The files of a tar archive.

    Attributes:
        files: in the archive's order.
        encoding: what names were read as that are not UTF-8; "" where all are.
        links: names of links, which are not followed: of what was wanted.
    """

    files: list[TarMember]
    encoding: str
    links: list[str]


def list_tar(
    file: BinaryIO, wanted: Callable[[str], bool], limits: UnpackLimits, token: CancelToken, *, name: str | None
) -> TarMembers:
    """The wanted files of a tar archive that is not compressed; devices and folders are ignored.

    Args:
        file: the archive, at its beginning.
        wanted: chooses files by name.
        limits: counts all members.
        token: checked at each member.
        name: of the archive, for messages.

    Raises:
        PoseError: damaged, or a name that is not relative.
        LimitError: too many members.
    """
    found: list[tuple[bytes, int, int]] = []
    links: list[bytes] = []
    count = 0
    try:
        bounded = BoundedFile(file, _HEADERS, name)
        with tarfile.open(fileobj=cast(IO[bytes], bounded), mode="r:", encoding="utf-8") as archive:
            while (member := archive.next()) is not None:
                token.raise_if_cancelled()
                archive.members = []  # type: ignore[attr-defined]  # it keeps every member that it has read
                bounded.reset()
                count += 1
                limits.add_members(1)
                raw = member.name.encode("utf-8", "surrogateescape")
                if (member.issym() or member.islnk()) and wanted(member.name):
                    links.append(raw)
                elif member.isreg() and not member.issparse():
                    found.append((raw, member.offset_data, member.size))
            # `tarfile` takes a damaged header for the archive's end, where zeros should be, or nothing.
            file.seek(archive.offset)
            if file.read(tarfile.BLOCKSIZE).strip(b"\0"):
                raise tarfile.ReadError(f"what follows its first {count:,} members is no header")
        names, encoding = _decoded([raw for raw, *_ in found])
    except InputError:
        raise
    except RecursionError:
        # Each header of a long name is read by a call within the one before.
        raise PoseError("the tar archive is damaged: a long name has a long name, and so on", file=name) from None
    except (tarfile.TarError, OSError, ValueError, LookupError, OverflowError, EOFError) as error:
        text = str(error) or type(error).__name__
        raise PoseError(f"the tar archive is damaged: {text:.100}", file=name) from None
    files = [
        TarMember(check_member_name(decoded, file=name), offset, size)
        for decoded, (_, offset, size) in zip(names, found, strict=True)
        if wanted(decoded)
    ]
    return TarMembers(files, encoding, _decoded(links)[0])


def _decoded(names: list[bytes]) -> tuple[list[str], str]:
    """Names as UTF-8, which tar archives have nearly always; otherwise as they are guessed."""
    names_read, encoding = decode_names(names)
    return names_read, "" if encoding == "UTF-8" else encoding
