"""A folder as a tar archive, which is made while it is read: equal folders give equal bytes."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

BLOCK_BYTES = 256 << 10

_END = bytes(2 * tarfile.BLOCKSIZE)


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """A file in the archive.

    Attributes:
        path: of the file.
        name: in the archive.
        size: its number of bytes; 0 of a link.
        link: the target, if it is sent as a link.
    """

    path: str
    name: str
    size: int
    link: str | None


def folder_entries(folder: Path) -> Iterator[ArchiveEntry]:
    """The files of a folder and those below it, sorted by name, without hidden ones."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                path = os.path.join(parent, name)
                is_link = os.path.islink(path) and not _is_within(path, folder)
                yield ArchiveEntry(
                    path,
                    Path(path).relative_to(folder).as_posix(),
                    0 if is_link else os.stat(path).st_size,
                    os.readlink(path) if is_link else None,
                )


def _is_within(link: str, folder: Path) -> bool:
    """Whether a link leads to a file of the folder."""
    target = Path(link).resolve()
    return target.is_file() and target.is_relative_to(folder.resolve())


def _header_and_padding(entry: ArchiveEntry) -> tuple[bytes, bytes]:
    info = tarfile.TarInfo(entry.name)
    info.size = entry.size
    if entry.link is not None:
        info.type, info.linkname = tarfile.SYMTYPE, entry.link
    header = info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
    return header, bytes(-info.size % tarfile.BLOCKSIZE)


def archive_size(entries: Sequence[ArchiveEntry]) -> int:
    """The number of bytes of `archive_blocks`."""
    return sum(sum(map(len, _header_and_padding(entry))) + entry.size for entry in entries) + len(_END)


def archive_blocks(entries: Sequence[ArchiveEntry]) -> Iterator[bytes]:
    """The bytes of a tar archive, in blocks.

    Raises:
        OSError: a file cannot be read, or its size has changed.
    """
    for entry in entries:
        header, padding = _header_and_padding(entry)
        yield header
        yield from file_blocks(entry.path, entry.size)
        yield padding
    yield _END


def file_blocks(path: str, size: int) -> Iterator[bytes]:
    """The bytes of a file.

    Raises:
        OSError: its size is not what was announced.
    """
    if not size:
        return
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size != size:
            raise OSError(f"{path} has changed since its upload began")
        left = size
        while left:
            block = file.read(min(left, BLOCK_BYTES))
            if not block:
                raise OSError(f"{path} has changed since its upload began")
            left -= len(block)
            yield block
