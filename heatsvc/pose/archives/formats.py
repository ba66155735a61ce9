"""Formats of archives and of compression, recognized by the first bytes, and streams that decompress."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import IO, Any, BinaryIO, Protocol, cast

import zstandard

from heatsvc.pose.archives.zip import MAGIC as ZIP_MAGIC

HEAD = tarfile.BLOCKSIZE
"""Number of bytes by which the format is recognized."""

COMPRESSION_ERRORS = (zlib.error, gzip.BadGzipFile, zstandard.ZstdError, lzma.LZMAError, EOFError, OSError, ValueError)
"""Errors that the streams of `decompressed` raise if the file is damaged."""

MAX_WINDOW = 128 << 20
"""Maximum window in bytes. `xz -9` uses 64 MiB; a header may declare 4 GiB."""

MAX_LEVEL = 1
"""Maximum nesting of archives."""

UNPACK = "unpack it and pack the files as a zip archive"
"""What to do with an archive that is not read."""

_CHUNK = 1 << 18
# At byte 257 of a tar archive (POSIX 1003.1, ustar).
_TAR_MAGIC, _TAR_MAGIC_AT = b"ustar", 257


class _Decompressor(Protocol):
    """The common interface of `bz2` and `lzma`."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _DecompressedFile(io.RawIOBase):
    """Reads a compressed file of one stream, or of several concatenated ones as parallel compressors write them."""

    def __init__(self, raw: BinaryIO, start: Callable[[], _Decompressor]) -> None:
        super().__init__()
        self._raw, self._start = raw, start
        self._stream = start()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer).cast("B")
        while True:
            if self._stream.eof:
                rest = self._stream.unused_data or self._raw.read(_CHUNK)
                # Zeros after the last stream are padding (xz 1.0.4, 2.2).
                rest = rest.lstrip(b"\0")
                if not rest:
                    return 0
                self._stream = self._start()
                data = self._stream.decompress(rest, len(view))
            else:
                packed = self._raw.read(_CHUNK) if self._stream.needs_input else b""
                if not packed and self._stream.needs_input:
                    raise EOFError("it is truncated")
                data = self._stream.decompress(packed, len(view))
            if data:
                view[: len(data)] = data
                return len(data)


def _gzip(raw: BinaryIO, _: int) -> IO[bytes]:
    return cast(IO[bytes], gzip.GzipFile(fileobj=raw))


def _bzip2(raw: BinaryIO, _: int) -> IO[bytes]:
    return io.BufferedReader(_DecompressedFile(raw, bz2.BZ2Decompressor), _CHUNK)


def _xz(raw: BinaryIO, max_window: int) -> IO[bytes]:
    limit = max_window + (max_window >> 3)  # the decoder needs some more than its window
    start = partial(lzma.LZMADecompressor, lzma.FORMAT_XZ, limit)
    return io.BufferedReader(_DecompressedFile(raw, start), _CHUNK)


def _zstd(raw: BinaryIO, max_window: int) -> IO[bytes]:
    # Created each time, since a decompressor that threads share crashes the process.
    decompressor = zstandard.ZstdDecompressor(max_window_size=max_window)
    return cast(IO[bytes], decompressor.stream_reader(raw, read_across_frames=True))


@dataclass(frozen=True, slots=True)
class Compression:
    """A compression of one file, which may be a tar archive.

    Attributes:
        magic: the first bytes of a compressed file.
        extensions: extensions of compressed files.
        tar_extensions: short extensions of compressed tar archives.
        stream: returns the decompressed content of an open file, given the maximum window.
    """

    magic: bytes
    extensions: tuple[str, ...]
    tar_extensions: tuple[str, ...]
    stream: Callable[[BinaryIO, int], IO[bytes]]


COMPRESSIONS = (
    Compression(b"\x1f\x8b", (".gz",), (".tgz",), _gzip),
    Compression(b"BZh", (".bz2",), (".tbz2", ".tbz"), _bzip2),
    Compression(b"\xfd7zXZ\0", (".xz",), (".txz",), _xz),
    Compression(b"\x28\xb5\x2f\xfd", (".zst",), (".tzst",), _zstd),
)
"""All supported compressions."""

COMPRESSED_EXTENSIONS = tuple(extension for one in COMPRESSIONS for extension in one.extensions)
"""Extensions that follow a file's own extension: ``v1.npy.gz``."""

_TAR_EXTENSIONS = (
    ".tar",
    *(f".tar{extension}" for extension in COMPRESSED_EXTENSIONS),
    *(extension for one in COMPRESSIONS for extension in one.tar_extensions),
)
# The longest first: ".tar.gz" before ".gz".
ARCHIVE_EXTENSIONS = tuple(sorted((".zip", *_TAR_EXTENSIONS), key=len, reverse=True))
"""Extensions of archives of several files."""


def is_zip(head: bytes) -> bool:
    """Whether a file is a zip archive, by its first bytes; `.npz` files are zip archives too."""
    return head[:4] in ZIP_MAGIC


def is_tar(head: bytes) -> bool:
    """Whether a file is a tar archive, by its first header."""
    if head[_TAR_MAGIC_AT : _TAR_MAGIC_AT + len(_TAR_MAGIC)] == _TAR_MAGIC:
        return True
    if len(head) < tarfile.BLOCKSIZE:
        return False
    try:  # before POSIX there was no magic, but a checksum
        tarfile.TarInfo.frombuf(head[: tarfile.BLOCKSIZE], "utf-8", "surrogateescape")
    except (tarfile.TarError, ValueError, OverflowError):
        return False
    return True


def compression_of(head: bytes) -> Compression | None:
    """The compression of a file, by its first bytes; None if it is not compressed."""
    return next((one for one in COMPRESSIONS if head.startswith(one.magic)), None)


def is_archive_name(name: str) -> bool:
    """Whether a name has the extension of an archive of several files."""
    return name.lower().endswith(ARCHIVE_EXTENSIONS)


def without_archive_extension(name: str) -> str:
    """``part1`` for ``part1.zip`` and ``part1.tar.gz``; other names are unchanged."""
    return _without(name, ARCHIVE_EXTENSIONS)


def without_compression(name: str) -> str:
    """``v1.npy`` for ``v1.npy.gz``; other names are unchanged."""
    return _without(name, COMPRESSED_EXTENSIONS)


def _without(name: str, extensions: tuple[str, ...]) -> str:
    lower = name.lower()
    if not lower.endswith(extensions):
        return name
    length = next(len(extension) for extension in extensions if lower.endswith(extension))
    return name[:-length] or name


def describe_error(error: Exception) -> str:
    """The message about one of COMPRESSION_ERRORS."""
    # Messages of liblzma and libzstd about a window above the limit, as written by `xz -9` and `zstd --ultra --long`.
    if any(words in str(error) for words in ("Memory usage limit", "too much memory", "requires too much")):
        return "decompressing the archive needs more memory than is allowed: compress it with `xz -6`, `zstd` or zip"
    return f"the archive is damaged: {str(error) or type(error).__name__:.100}"
