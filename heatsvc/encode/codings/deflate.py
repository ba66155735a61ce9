"""deflate, as HTTP means it: a zlib stream (RFC 1950), written straight from runs."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import cache
from typing import Any, ClassVar

import numpy as np

from heatsvc.encode.codings import huffman
from heatsvc.encode.codings.checksums import adler32_combine, adler32_of_runs
from heatsvc.encode.codings.coding import Compressor, EncodedChunk
from heatsvc.render.pixels import PixelRuns

ADLER_START = 1
# Deflate with a window of 32 KiB, no dictionary, fastest level; the two bytes together are a multiple of 31.
_HEADER = b"\x78\x01"
# A stored block of no bytes, the last one: ends a stream whose chunks are all byte-aligned.
END_OF_STREAM = b"\x01\x00\x00\xff\xff"


@cache
def loops() -> Any:
    """The compiled loop; the first call compiles it, or loads it from numba's cache."""
    from heatsvc.encode.codings import deflate_kernels

    return deflate_kernels


class Deflate:
    """zlib streams of one Huffman table, fixed beforehand."""

    name: ClassVar[str] = "deflate"
    encode_patches: ClassVar[None] = None

    def head(self, size: int) -> bytes:
        """The zlib header."""
        return _HEADER

    def encode_bytes(self, data: bytes) -> EncodedChunk:
        """Stored blocks."""
        return EncodedChunk(stored_blocks(data), len(data), zlib.adler32(data))

    def encode_runs(self, runs: PixelRuns) -> EncodedChunk:
        """One block of literals and of matches that repeat the fill."""
        coded = deflated(runs)
        return EncodedChunk(coded, runs.nbytes, adler32_of_runs(runs))

    def tail(self, chunks: Sequence[EncodedChunk]) -> bytes:
        """The last block, and the checksum of all chunks."""
        check = ADLER_START
        for chunk in chunks:
            check = adler32_combine(check, chunk.checksum, chunk.size)
        return END_OF_STREAM + check.to_bytes(4, "big")

    def compressor(self) -> Compressor:
        """Zlib's."""
        return zlib.compressobj(level=6)

    def bound(self, size: int, pixels: int, runs: int, itemsize: int) -> int:
        """At most 15 bits a literal and 6 bytes a gap; 3 bits for each 258 bytes of fill."""
        return huffman.bound(size, pixels * itemsize, runs)


def deflated(runs: PixelRuns) -> memoryview:
    """A stretch as raw deflate (RFC 1951), ending on a byte: one block, then an empty stored one, neither the last."""
    table = huffman.table(runs.fill)
    out = np.empty(huffman.bound(runs.nbytes, runs.values.nbytes, runs.start.size), np.uint8)
    size = loops().deflate_block(
        runs.values.view(np.uint8),
        runs.start,
        runs.length,
        runs.itemsize,
        runs.size,
        runs.fill,
        table.header,
        table.header_bits,
        table.literal_code,
        table.literal_bits,
        table.match_code,
        table.match_bits,
        out,
    )
    return out[:size].data


def stored_blocks(data: bytes) -> bytes:
    """Bytes as stored blocks, none of them the last (RFC 1951, 3.2.4)."""
    blocks = (data[at : at + 0xFFFF] for at in range(0, len(data), 0xFFFF))
    return b"".join(
        b"\x00" + len(block).to_bytes(2, "little") + (len(block) ^ 0xFFFF).to_bytes(2, "little") + block
        for block in blocks
    )
