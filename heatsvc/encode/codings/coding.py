"""Coding: a content coding that is written from chunks, each made without the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from heatsvc.render.cpu import PixelRuns, SeparablePatches


@dataclass(slots=True)
class EncodedChunk:
    """Encoded bytes of a tile, or of a header.

    Attributes:
        data: its bytes, to be sent as they are.
        size: bytes before encoding.
        checksum: Adler-32 or CRC-32 of the tile, where the coding has one.
    """

    data: bytes | memoryview
    size: int
    checksum: int = 0


class Compressor(Protocol):
    """Compresses a stream, as `zlib.compressobj` does."""

    def compress(self, data: bytes, /) -> bytes:
        """Bytes of the compressed stream, which may be none yet."""

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
        """Whether chunks are encoded; otherwise `compressor` encodes a body as one stream, which takes longer."""

    def encode_runs(self, runs: PixelRuns) -> EncodedChunk:
        """Encode a tile given as its runs; only identity makes it dense."""

    @property
    def encode_patches(self) -> Callable[[SeparablePatches], EncodedChunk] | None:
        """Encodes a tile given as patches; None for a coding that takes runs only."""

    def tail(self, chunks: Sequence[EncodedChunk]) -> bytes:
        """The bytes after the last chunk."""

    def compressor(self, size: int | None = None) -> Compressor:
        """Compresses a body that is not made of chunks, such as JSON, of `size` bytes where they are known."""

    def bound(self, size: int, pixels: int, runs: int, itemsize: int) -> int:
        """An upper bound of the coded bytes of `size` bytes with so many non-zero pixels, in so many runs."""
