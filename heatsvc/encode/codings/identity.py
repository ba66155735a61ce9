"""identity: the dense bytes, for clients that accept no coding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from heatsvc.encode.codings.coding import Compressor, EncodedChunk
from heatsvc.render.cpu import PixelRuns


class _NoCompressor:
    def compress(self, data: bytes, /) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


class Identity:
    """No coding. It is the only one that makes a volume dense."""

    name: ClassVar[str] = "identity"
    encode_patches: ClassVar[None] = None
    makes_chunks: ClassVar[bool] = True

    def head(self, size: int) -> bytes:
        """No bytes."""
        return b""

    def encode_bytes(self, data: bytes) -> EncodedChunk:
        """The bytes themselves."""
        return EncodedChunk(data, len(data))

    def encode_runs(self, runs: PixelRuns) -> EncodedChunk:
        """The dense tile."""
        return EncodedChunk(runs.dense(), runs.nbytes)

    def tail(self, chunks: Sequence[EncodedChunk]) -> bytes:
        """No bytes."""
        return b""

    def compressor(self, size: int | None = None) -> Compressor:
        """A compressor that returns its input."""
        return _NoCompressor()

    def bound(self, size: int, pixels: int, runs: int, itemsize: int) -> int:
        """`size`."""
        return size
