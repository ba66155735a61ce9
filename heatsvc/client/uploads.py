"""Files and folders as parts of a form, which are read while they are sent, and again if the request is retried."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, cast

from heatsvc.client.folder_archive import BLOCK_BYTES, archive_blocks, archive_size, file_blocks, folder_entries

PathLike = str | os.PathLike[str]

FilePart = tuple[str, tuple[str, IO[bytes], str]]
"""A file part of a form: its name, and file name, stream and media type."""

_BINARY = "application/octet-stream"


class PartReader(io.RawIOBase):
    """The stream of a form's part, which opens its files when it is read. `seek(0)` starts from the beginning.

    Args:
        size: its number of bytes.
        read_blocks: its bytes, in blocks, from the beginning on.
    """

    def __init__(self, size: int, read_blocks: Callable[[], Iterator[bytes]]) -> None:
        self._size = size
        self._read_blocks = read_blocks
        self._blocks = read_blocks()
        self._block = b""
        self._position = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True: `seek` goes to the beginning and the end."""
        return True

    def tell(self) -> int:
        """The position in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to the beginning, or to the end, which is how httpx2 finds the length of a part."""
        position = offset + (self._size if whence == os.SEEK_END else 0)
        if position not in (0, self._size) or whence == os.SEEK_CUR:
            raise io.UnsupportedOperation("a part is read from its beginning to its end")
        self._block = b""
        self._blocks = iter(()) if position else self._read_blocks()
        self._position = position
        return position

    def read(self, size: int = -1) -> bytes:
        """The next bytes, at most `size` of them; b"" at the end."""
        if size < 0:
            return b"".join(iter(lambda: self.read(BLOCK_BYTES), b""))
        while len(self._block) < size and (block := next(self._blocks, None)) is not None:
            self._block += block
        data, self._block = self._block[:size], self._block[size:]
        self._position += len(data)
        return data


def file_part(part: str, path: Path, name: str | None = None) -> FilePart:
    """A file as a part of a form.

    Args:
        part: the name of the part.
        path: of the file.
        name: of the file in the form; its own if not given.

    Raises:
        OSError: there is no such file, or it cannot be read.
    """
    # What cannot be read is reported before anything is sent; a pipe has no size, and waits for its other end.
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(f"{path} is a pipe or a device: only files can be sent")
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
    reader = PartReader(size, lambda: file_blocks(str(path), size))
    return part, (_utf8_name(name or path.name), cast("IO[bytes]", reader), _BINARY)


def folder_part(part: str, folder: Path) -> FilePart:
    """A folder as a part of a form: a tar archive of its files, made while it is sent.

    Equal folders give equal bytes: names are sorted, and times, owners and permissions are left out. Links to files
    of the folder are followed. Other links are sent as links, which the service reports. Hidden files are left out.

    Raises:
        OSError: there is no such folder, or a file in it cannot be read.
    """
    folder = folder.absolute()
    entries = list(folder_entries(folder))
    reader = PartReader(archive_size(entries), lambda: archive_blocks(entries))
    return part, (f"{_utf8_name(folder.name)}.tar", cast("IO[bytes]", reader), "application/x-tar")


def _utf8_name(name: str) -> str:
    """A name without what is not UTF-8 in it, which a form cannot have."""
    return os.fsencode(name).decode("utf-8", "replace")


def keypoint_parts(part: str, paths: Iterable[Path]) -> list[FilePart]:
    """Parts of a form for keypoint files: files as they are, folders as archives.

    Raises:
        OSError: one of them does not exist, or cannot be read.
    """
    return [folder_part(part, path) if path.is_dir() else file_part(part, path) for path in paths]


def table_parts(part: str, paths: Iterable[Path]) -> list[FilePart]:
    """Parts of a form for tables: files as they are, also those in folders, since workbooks must not be in an archive.

    Raises:
        OSError: one of them does not exist, or cannot be read.
    """
    parts: list[FilePart] = []
    for path in paths:
        if path.is_dir():
            entries = folder_entries(path.absolute())
            parts += [file_part(part, Path(entry.path)) for entry in entries if entry.link is None]
        else:
            parts.append(file_part(part, path))
    return parts


def as_paths(paths: PathLike | Sequence[PathLike] | None) -> list[Path]:
    """One path or several, as a list."""
    if paths is None:
        return []
    if isinstance(paths, str | os.PathLike):
        return [Path(paths)]
    return [Path(path) for path in paths]
