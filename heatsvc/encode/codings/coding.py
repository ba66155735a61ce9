"""Coding: a content coding whose chunks are encoded independently of each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from heatsvc.render.cpu import PixelRuns, SeparablePatches


@dataclass(slots=True)
class EncodedChunk:
    """Encoded bytes of a tile, or of a header.

    Attributes:
        data: the encoded bytes.
        size: number of bytes before encoding.
        checksum: Adler-32 or CRC-32 of the tile, if the coding has a checksum.
    """

    data: bytes | memoryview
    size: int
    checksum: int = 0


class Compressor(Protocol):
    """Compresses a stream, as `zlib.compressobj` does."""

    def compress(self, data: bytes, /) -> bytes:
        """Compress data; return the bytes of the stream that are complete, perhaps none."""

    def flush(self) -> bytes:
        """The last bytes of the compressed stream."""


class Coding(Protocol):
    """A body is `head`, the chunks in order, and `tail`. Several threads may encode chunks at once."""

    name: ClassVar[str]

    def head(self, size: int) -> bytes:
        """The bytes before the first chunk of a body of `size` bytes."""

    def encode_bytes(self, data: bytes) -> EncodedChunk:
        """Encode bytes, such as those of a header."""

    @property
    def makes_chunks(self) -> bool:
        """Whether tiles are encoded as chunks; otherwise `compressor` encodes a body as one stream, which is slower."""

    def encode_runs(self, runs: PixelRuns) -> EncodedChunk:
        """Encode a tile given as its runs; only identity makes it dense."""

    @property
    def encode_patches(self) -> Callable[[SeparablePatches], EncodedChunk] | None:
        """A function that encodes a tile given as patches; None if the coding only encodes runs."""

    def tail(self, chunks: Sequence[EncodedChunk]) -> bytes:
        """The bytes after the last chunk."""

    def compressor(self, size: int | None = None) -> Compressor:
        """A compressor for a body without chunks, such as JSON; `size` is its number of bytes if known."""

    def bound(self, size: int, pixels: int, runs: int, itemsize: int) -> int:
        """An upper bound of the encoded size of `size` bytes with `pixels` non-zero pixels in `runs` runs."""
