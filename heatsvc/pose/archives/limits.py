"""Limits of an archive's content over all nesting levels, and a file wrapper that limits the bytes read."""

from __future__ import annotations

import io
from typing import BinaryIO

from heatsvc.bounds import Bounds
from heatsvc.pose.errors import PoseError

RATIO_FROM = 1 << 20
"""Size from which the ratio is checked: zeros are compressed a thousandfold, and a small clip may be all zeros."""


class UnpackLimits:
    """Counts members and bytes of an archive and of the archives in it.

    Args:
        bounds: max_archive_ratio, and the bounds named below.
        packed: size of the outermost archive in bytes.
        file: its name, for messages.
        members: name of the bound for the number of files.
        size: name of the bound for the unpacked size.
        ratio_from: unpacked size from which the ratio is checked.
    """

    def __init__(
        self,
        bounds: Bounds,
        packed: int,
        file: str | None,
        *,
        members: str = "max_archive_members",
        size: str = "max_unpacked_bytes",
        ratio_from: int = RATIO_FROM,
    ) -> None:
        self.bounds, self.file = bounds, file
        self._packed, self._ratio_from = max(packed, 1), ratio_from
        self._members_bound, self._size_bound = members, size
        self._members = self._bytes = 0

    def add_members(self, count: int) -> None:
        """Count files.

        Raises:
            LimitError: there are too many.
        """
        self._members += count
        self.bounds.check(self._members_bound, self._members, "files in an archive", file=self.file)

    def add_bytes(self, count: int) -> None:
        """Count unpacked bytes.

        Raises:
            LimitError: there are too many, or the ratio to the archive's size is too large.
        """
        self._bytes += count
        self.check_bytes(0)

    def check_bytes(self, more: int) -> None:
        """Raise LimitError if `more` further bytes would be too many."""
        size = self._bytes + more
        self.bounds.check(self._size_bound, size, "unpacked bytes", file=self.file)
        if size > self._ratio_from:
            ratio = size // self._packed
            self.bounds.check("max_archive_ratio", ratio, "bytes for each byte of the archive", file=self.file)


class BoundedFile(io.RawIOBase):
    """A binary file with a limit of bytes that can be read, since `zipfile` and `tarfile` trust sizes in headers.

    Args:
        file: the archive.
        limit: maximum number of bytes to read in all, or until `reset` is called.
        name: name of the archive, for messages.
    """

    def __init__(self, file: BinaryIO, limit: int, name: str | None):
        super().__init__()
        self._file, self._limit, self._name = file, limit, name
        self._left = limit

    def reset(self) -> None:
        """Reset the count, when a new member begins."""
        self._left = self._limit

    def read(self, size: int | None = -1, /) -> bytes:
        """Read at most `size` bytes; raise PoseError if the limit is exceeded."""
        # `zipfile` reads an archive's last bytes without a size.
        data = self._file.read(self._left + 1 if size is None or size < 0 else min(size, self._left + 1))
        self._left -= len(data)
        if self._left < 0:
            raise PoseError(f"the archive's list of files is larger than {self._limit:,} bytes", file=self._name)
        return data

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move in the file."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the position in the file."""
        return self._file.tell()

    def seekable(self) -> bool:
        """Return True."""
        return True

    def readable(self) -> bool:
        """Return True."""
        return True
