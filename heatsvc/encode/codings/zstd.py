"""zstd, written straight from runs (RFC 8878).

A frame is a row of blocks of up to 128 KiB. What lies between runs becomes RLE blocks, a run a raw block, and the rows
of a large figure a block of literals and sequences: no match is searched, and no literal entropy-coded, since the zeros
were nearly all there was to win. The window is 128 KiB, far under the 8 MB that a content coding may ask for
(RFC 9659).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import cache
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import zstandard

from heatsvc.draw.runs import Runs
from heatsvc.encode.codings.coding import Piece
from heatsvc.encode.codings.fse import literal_codes, match_codes

_MAGIC = b"\x28\xb5\x2f\xfd"
_BLOCK_HEADER = struct.Struct("<I")
# Frame header: content size in 8 bytes, no dictionary, no checksum (3.1.1.1.1); then the window, 2**(10 + 7).
_DESCRIPTOR = b"\xc0\x38"
_BLOCK = 128 << 10
_RAW = 0
_LAST = 1


@cache
def loops() -> Any:
    """The compiled loop; the first call compiles it, or loads it from numba's cache."""
    from heatsvc.encode.codings import zstd_loops

    return zstd_loops


class Zstd:
    """Zstandard frames of raw and RLE blocks."""

    name: ClassVar[str] = "zstd"

    def head(self, size: int) -> bytes:
        """The frame header with the content's size."""
        return _MAGIC + _DESCRIPTOR + size.to_bytes(8, "little")

    def code_bytes(self, data: bytes) -> Piece:
        """Raw blocks."""
        blocks = (data[at : at + _BLOCK] for at in range(0, len(data), _BLOCK))
        return Piece(b"".join(_block_header(_RAW, len(block)) + block for block in blocks), len(data))

    def code_runs(self, runs: Runs) -> Piece:
        """RLE blocks between the runs; raw blocks for them, or compressed ones where they stand close together."""
        out = np.empty(self.bound(runs.nbytes, runs.values.size, runs.start.size, runs.itemsize), np.uint8)
        size = loops().zstd_blocks(
            runs.values.view(np.uint8), runs.start, runs.length, runs.itemsize, runs.size, runs.fill, *_tables(), out
        )
        return Piece(out[:size].data, runs.nbytes)

    def tail(self, pieces: Sequence[Piece]) -> bytes:
        """An empty last block, so that no piece need know whether it is the last."""
        return _block_header(_RAW, 0, last=True)

    def compress(self, data: bytes) -> bytes:
        """By the reference encoder; one is made for each call, since two threads that share one crash the process."""
        return zstandard.ZstdCompressor(level=3).compress(data)

    def bound(self, size: int, pixels: int, runs: int, itemsize: int) -> int:
        """16 bytes a run, and what the blocks of 128 KiB add.

        A gap costs 7 bytes as two headers, at most 7 as a sequence or as literals; a compressed block has a dozen more
        for its own headers, and at least three runs.
        """
        return pixels * itemsize + 16 * runs + 16 * (size // _BLOCK + 4)


@cache
def _tables() -> tuple[tuple[npt.NDArray[np.generic], ...], ...]:
    """The tables of both codes as the loop takes them."""
    both = (literal_codes(), match_codes())
    return tuple((one.code, one.base, one.extra, one.state, one.bits, one.baseline) for one in both)


def _block_header(kind: int, size: int, *, last: bool = False) -> bytes:
    """Three bytes: last block, type, size (RFC 8878, 3.1.1.2)."""
    return _BLOCK_HEADER.pack(size << 3 | kind << 1 | (_LAST if last else 0))[:3]
