"""Lists the regular files of untrusted tar archives, with the location of their bytes."""

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

# Maximum size of all headers of one member (long names, pax records, maps of holes), which may declare gigabytes.
_HEADERS = 1 << 20


class TarMember(NamedTuple):
    """A regular file in a tar archive.

    Attributes:
        name: its name, with ``/`` between folders.
        offset: start of its bytes.
        size: its size in bytes.
    """

    name: str
    offset: int
    size: int


class TarMembers(NamedTuple):
    """The files of a tar archive.

    Attributes:
        files: the files in the archive's order.
        encoding: guessed encoding of names that are not UTF-8; "" if all are UTF-8.
        links: names of wanted links, which are not followed.
    """

    files: list[TarMember]
    encoding: str
    links: list[str]


def list_tar(
    file: BinaryIO, wanted: Callable[[str], bool], limits: UnpackLimits, token: CancelToken, *, name: str | None
) -> TarMembers:
    """List the wanted files of an uncompressed tar archive; devices and folders are ignored.

    Args:
        file: the archive, at its beginning.
        wanted: selects files by name.
        limits: counts all members.
        token: checked at each member.
        name: name of the archive, for messages.

    Raises:
        PoseError: the archive is damaged, or a name is not relative.
        LimitError: there are too many members.
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
            # `tarfile` treats a damaged header as the archive's end, which must be zeros or the end of the file.
            file.seek(archive.offset)
            if file.read(tarfile.BLOCKSIZE).strip(b"\0"):
                raise tarfile.ReadError(f"there is no valid header after its first {count:,} members")
        names, encoding = _decoded([raw for raw, *_ in found])
    except InputError:
        raise
    except RecursionError:
        # `tarfile` reads each header of a long name recursively.
        raise PoseError(
            "the tar archive is damaged: its headers of long names are nested too deeply", file=name
        ) from None
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
    """Decode names from UTF-8, which nearly all tar archives use; otherwise guess the encoding."""
    names_read, encoding = decode_names(names)
    return names_read, "" if encoding == "UTF-8" else encoding
