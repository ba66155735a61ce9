"""zstd, written straight from runs (RFC 8878).

A frame is a sequence of blocks of up to 128 KiB, and there are two ways to write runs as blocks. The fast one makes RLE
blocks of the gaps and raw blocks of the runs; the rows of a large primitive become a block of literals and sequences,
without match search or entropy-coded literals. The compact one does both, as far as it saves more than it costs. The
window is 256 KiB, far under the 8 MB that a content coding may ask for (RFC 9659).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import zstandard

from heatsvc.encode.codings.coding import Compressor, EncodedChunk
from heatsvc.encode.codings.fse import (
    ACCURACY_LOG,
    LITERAL_LENGTHS,
    MATCH_LENGTHS,
    OFFSET_ACCURACY_LOG,
    OFFSETS,
    literal_codes,
    match_codes,
)
from heatsvc.render.cpu import SIMD_WIDTH, PixelRuns, SeparablePatches

_MAGIC = b"\x28\xb5\x2f\xfd"
# Frame header: content size in 8 bytes, no dictionary, no checksum (3.1.1.1.1); then the window, 2**(10 + 8).
_DESCRIPTOR = b"\xc0\x40"
_BLOCK = 128 << 10
_RAW = 0
# Pixels of so many bytes are written the compact way. A float32 is mantissa for the most part, which no code shortens.
_COMPACT_ITEMSIZES = (1, 2)
_MAX_KEPT_BYTES = 1 << 20
# A decoder copies 16 or 32 bytes at a time, and waits for its own copy where that has just been made.
_NEAR_PIXELS = 64


@dataclass(frozen=True, slots=True)
class Zstd:
    """Zstandard frames.

    Attributes:
        compact: whether to write runs the compact way; None for what is best for the type of the pixels.
    """

    compact: bool | None = None

    name: ClassVar[str] = "zstd"

    def head(self, size: int) -> bytes:
        """The frame header with the content's size."""
        return _MAGIC + _DESCRIPTOR + size.to_bytes(8, "little")

    def encode_bytes(self, data: bytes) -> EncodedChunk:
        """Raw blocks."""
        if 0 < len(data) <= _BLOCK:
            return EncodedChunk(_block_header(_RAW, len(data)) + data, len(data))
        blocks = (data[at : at + _BLOCK] for at in range(0, len(data), _BLOCK))
        return EncodedChunk(b"".join(_block_header(_RAW, len(block)) + block for block in blocks), len(data))

    def encode_runs(self, runs: PixelRuns) -> EncodedChunk:
        """Blocks, none of them the last.

        Quick ones take the first repeated offset for 1, as it is at a frame's start and as they leave it: in a frame
        none follows a compact one, since all chunks of a body are encoded alike and have pixels of one size.
        """
        bound = self.bound(runs.nbytes, runs.values.size, runs.start.size, runs.itemsize)
        compact = runs.itemsize in _COMPACT_ITEMSIZES if self.compact is None else self.compact
        if compact:
            return EncodedChunk(compact_blocks(runs, bound).data, runs.nbytes)
        from heatsvc.encode.codings import zstd_kernels  # compiled when first imported

        out = np.empty(bound, np.uint8)
        size = zstd_kernels.zstd_blocks(
            runs.values.view(np.uint8), runs.start, runs.length, runs.itemsize, runs.size, runs.fill, *_tables(), out
        )
        return EncodedChunk(out[:size].data, runs.nbytes)

    @property
    def encode_patches(self) -> Callable[[SeparablePatches], EncodedChunk] | None:
        """Codes patches, which are float32, as long as that goes the quick way."""
        return None if self.compact else _encode_patches

    def tail(self, chunks: Sequence[EncodedChunk]) -> bytes:
        """An empty last block, so that no chunk depends on being the last."""
        return _TAIL

    def compressor(self) -> Compressor:
        """The reference encoder's; one for each body, since two threads that share one crash the process."""
        return _Compressor()

    def bound(self, size: int, pixels: int, runs: int, itemsize: int) -> int:
        """16 bytes a run, and what the blocks of 128 KiB add.

        The quick way: a gap costs 7 bytes as two headers, at most 7 as a sequence or as literals; a compressed block
        has a dozen more for its own headers, and at least three runs. The compact way: a gap is up to 7 literals, or a
        sequence of 10 bytes and the 5 of a second one, with one literal at the most; a block and the gap before it have
        32 bytes more, and both together 128 KiB. A table is described only where it saves more than it takes.
        """
        return pixels * itemsize + 16 * runs + 32 * (size // _BLOCK + 4)


class _Compressor:
    """Writes the content's size into the frame where the content is small enough to be kept until its end is known.

    Who has the size can decode the whole with one call.
    """

    def __init__(self) -> None:
        self._kept = bytearray()
        self._stream: Compressor | None = None

    def compress(self, data: bytes, /) -> bytes:
        """Bytes of the frame, which may be none yet."""
        if self._stream is not None:
            return self._stream.compress(data)
        self._kept += data
        if len(self._kept) <= _MAX_KEPT_BYTES:
            return b""
        self._stream = zstandard.ZstdCompressor(level=3).compressobj()
        return self._stream.compress(bytes(self._kept))

    def flush(self) -> bytes:
        """The rest of the frame."""
        if self._stream is not None:
            return self._stream.flush()
        return zstandard.ZstdCompressor(level=3).compress(bytes(self._kept))


def _encode_patches(patches: SeparablePatches) -> EncodedChunk:
    """Quick blocks, as of the same pixels in runs, but that no rows share a block.

    Each row has two headers, of 7 bytes, and each patch one more before it; a gap of more than a block is several
    blocks. Eight numbers are written for the last row too.
    """
    from heatsvc.encode.codings import zstd_kernels

    nbytes = patches.nbytes
    room = patches.pixels * 4 + 7 * patches.rows + 4 * (nbytes // _BLOCK + patches.places.shape[0] + 2) + 4 * SIMD_WIDTH
    out = np.empty(room, np.uint8)
    size = zstd_kernels.zstd_patches(patches.places, patches.values, patches.width, patches.size, out)
    return EncodedChunk(out[:size].data, nbytes)


@cache
def _tables() -> tuple[Any, Any]:
    """The tables of both codes as arguments of the kernel."""
    return tuple(literal_codes()), tuple(match_codes())


def _block_header(kind: int, size: int, *, last: bool = False) -> bytes:
    """Three bytes: last block, type, size (RFC 8878, 3.1.1.2)."""
    return (size << 3 | kind << 1 | last).to_bytes(3, "little")


_TAIL = _block_header(_RAW, 0, last=True)


def compact_blocks(runs: PixelRuns, expected: int) -> npt.NDArray[np.uint8]:
    """A tile as compact blocks, none of them the last: each gap is a match, and the codes are made for the tile.

    It is encoded in rounds of a few hundred kilobytes of literals: `zstd_matches` finds what to write, `zstd_tables`
    makes the codes and `zstd_blocks` writes. Nothing is assumed about the blocks before the tile.

    Args:
        runs: the tile.
        expected: upper bound of the encoded bytes.
    """
    from heatsvc.encode.codings import zstd_blocks, zstd_matches, zstd_tables

    begin, end, source = np.empty((3, runs.start.size + 2), np.int64)
    zstd_matches.lay_out(runs.start, runs.length, runs.itemsize, runs.size, begin, end, source)
    state = np.zeros(zstd_matches.STATE, np.int64)
    hashes = np.zeros((2, zstd_matches.HASHES), np.int32)
    literals = np.empty(min(zstd_matches.LITERAL_ROOM, runs.nbytes), np.uint8)
    sequences = np.empty((min(zstd_matches.SEQUENCE_ROOM, 2 * runs.start.size), 3), np.int32)
    found = np.empty((min(zstd_matches.BLOCKS, runs.start.size + runs.nbytes // zstd_matches.BLOCK + 2), 4), np.int64)
    literal, match = literal_codes(), match_codes()
    shares, predefined = _predefined()
    codes = np.empty(256, np.uint32)
    description = np.empty(zstd_tables.DESCRIPTION, np.uint8)
    own = np.empty((3, zstd_tables.TABLE), np.int32)
    descriptions = np.empty((3, zstd_tables.DESCRIPTION), np.uint8)
    facts = np.zeros((3, 3), np.int64)
    out, at = np.empty(expected, np.uint8), 0
    values, near = runs.values.view(np.uint8), _NEAR_PIXELS * runs.itemsize
    while True:
        made, taken, said = zstd_matches.find(
            values, runs.fill, near, begin, end, source, state, hashes, literals, sequences, found
        )
        if made == 0:
            return out[:at]
        described = zstd_tables.literal_code(literals, taken, made, codes, description)
        if said:
            zstd_tables.sequence_tables(
                sequences, said, literal.code, match.code, shares, predefined, own, descriptions, facts
            )
        room = zstd_blocks.room(found[:made])
        if at + room > out.size:
            out = np.concatenate([out[:at], np.empty(max(room, out.size - at), np.uint8)])
        at = zstd_blocks.write_blocks(
            found, made, runs.fill, literals, sequences,
            literal.code, literal.base, literal.extra, match.code, match.base, match.extra,
            codes, description, described, own, descriptions, facts, predefined, out, at,
        )  # fmt: skip


@cache
def _predefined() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Shares and tables of literal lengths, offsets and match lengths, that need no description."""
    from heatsvc.encode.codings import zstd_tables

    shares = np.zeros((3, zstd_tables.SYMBOLS), np.int64)
    made = np.zeros((3, zstd_tables.TABLE), np.int32)
    logs = (ACCURACY_LOG, OFFSET_ACCURACY_LOG, ACCURACY_LOG)
    for t, (own, log) in enumerate(zip((LITERAL_LENGTHS, OFFSETS, MATCH_LENGTHS), logs, strict=True)):
        shares[t, : len(own)] = own
        zstd_tables.spread(shares[t], len(own), log, made[t])
    return shares, made
