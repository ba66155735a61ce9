"""Frugal: a file that refuses to be read in large pieces: what lists an archive's members needs small ones."""

from __future__ import annotations

import io
from typing import BinaryIO

from heatsvc.pose.clip import PoseError


class Frugal(io.RawIOBase):
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
