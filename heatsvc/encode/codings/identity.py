"""identity: the dense bytes, for clients that accept no coding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from heatsvc.encode.codings.coding import Compressor, EncodedChunk
from heatsvc.render.cpu import PixelRuns, scatter


class _NoCompressor:
    def compress(self, data: bytes, /) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


class Identity:
    """No coding: the only one that makes a volume dense."""

    name: ClassVar[str] = "identity"
    encode_patches: ClassVar[None] = None

    def head(self, size: int) -> bytes:
        """Nothing."""
        return b""

    def encode_bytes(self, data: bytes) -> EncodedChunk:
        """The bytes themselves."""
        return EncodedChunk(data, len(data))

    def encode_runs(self, runs: PixelRuns) -> EncodedChunk:
        """The dense tile."""
        dense = np.zeros(runs.size, runs.values.dtype)
        if runs.fill:
            dense.view(np.uint8).fill(runs.fill)
        scatter(runs, dense)
        return EncodedChunk(dense.view(np.uint8).data, runs.nbytes)

    def tail(self, chunks: Sequence[EncodedChunk]) -> bytes:
        """Nothing."""
        return b""

    def compressor(self) -> Compressor:
        """Passes bytes on."""
        return _NoCompressor()

    def bound(self, size: int, pixels: int, runs: int, itemsize: int) -> int:
        """All of it."""
        return size
