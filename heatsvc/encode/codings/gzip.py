"""gzip (RFC 1952): the same blocks as deflate with another header and trailer, and the CRC-32 of the runs."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import ClassVar

from heatsvc.encode.codings import checksums
from heatsvc.encode.codings.coding import Compressor, EncodedChunk
from heatsvc.encode.codings.deflate import END_OF_STREAM, Deflate, deflated, stored_blocks
from heatsvc.render.cpu import PixelRuns

# Magic, method deflate, no flags, no time (the same volume gives the same bytes), fastest, unknown system.
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"


class Gzip(Deflate):
    """gzip members with one predefined Huffman table."""

    name: ClassVar[str] = "gzip"

    def head(self, size: int) -> bytes:
        """The member's header."""
        return _HEADER

    def encode_bytes(self, data: bytes) -> EncodedChunk:
        """Encode as stored blocks."""
        return EncodedChunk(stored_blocks(data), len(data), zlib.crc32(data))

    def encode_runs(self, runs: PixelRuns) -> EncodedChunk:
        """Encode as one block of literals, and of matches that repeat the fill."""
        return EncodedChunk(deflated(runs), runs.nbytes, checksums.crc32_of_runs(runs))

    def tail(self, chunks: Sequence[EncodedChunk]) -> bytes:
        """The last block, the CRC-32 of all chunks, and their size."""
        check, size = checksums.crc32_of_chunks(chunks)
        return END_OF_STREAM + check.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little")

    def compressor(self, size: int | None = None) -> Compressor:
        """A compressor of zlib."""
        return zlib.compressobj(level=6, wbits=31)
