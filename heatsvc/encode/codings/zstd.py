"""zstd (RFC 8878), written directly from runs.

A frame is a sequence of blocks of up to 128 KiB. Runs can be written as blocks in two ways. The fast way writes gaps as
RLE blocks and runs as raw blocks; the rows of a large primitive become one block of literals and sequences, without
match search or entropy-coded literals. The small way uses both where they save bytes. The window is 256 KiB, far below
the maximum of 8 MB for a content coding (RFC 9659).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import zstandard

from heatsvc.encode.codings.coding import Compressor, EncodedChunk
from heatsvc.kernels import KERNELS
from heatsvc.render.cpu import MAX_PATCH_SIDE, PixelRuns, SeparablePatches

_MAGIC = b"\x28\xb5\x2f\xfd"
# Frame header: content size in 8 bytes, no dictionary, no checksum (3.1.1.1.1); then the window, 2**(10 + 8).
_DESCRIPTOR = b"\xc0\x40"
_BLOCK = 128 << 10
_RAW = 0
# Bytes that the small way may write after the end: codes can be longer than the literals that they replace.
SMALL_ROOM = 64 << 10
# Sizes of pixels in bytes that are written the small way. A float32 is mostly mantissa, which cannot be compressed.
_SMALL_ITEMSIZES = (1, 2)
_MAX_KEPT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Zstd:
    """Zstandard frames.

    Attributes:
        small: whether to write runs the small way; None chooses by the type of the pixels.
    """

    small: bool | None = None

    name: ClassVar[str] = "zstd"

    @property
    def makes_chunks(self) -> bool:
        """Whether there are compiled kernels: without them the zstandard library writes each body as one frame."""
        return KERNELS.native is not None

    def head(self, size: int) -> bytes:
        """The frame header with the content's size."""
        return _MAGIC + _DESCRIPTOR + size.to_bytes(8, "little")

    def encode_bytes(self, data: bytes) -> EncodedChunk:
        """Encode as raw blocks."""
        if 0 < len(data) <= _BLOCK:
            return EncodedChunk(_block_header(_RAW, len(data)) + data, len(data))
        blocks = (data[at : at + _BLOCK] for at in range(0, len(data), _BLOCK))
        return EncodedChunk(b"".join(_block_header(_RAW, len(block)) + block for block in blocks), len(data))

    def encode_runs(self, runs: PixelRuns) -> EncodedChunk:
        """Encode as blocks, none of which is the last.

        Fast blocks assume that the first repeated offset is 1, as at a frame's start, and do not change it. They never
        follow small blocks, since all chunks of a body are encoded the same way and have pixels of one size.
        """
        small = runs.itemsize in _SMALL_ITEMSIZES if self.small is None else self.small
        room = self.bound(runs.nbytes, runs.values.size, runs.start.size, runs.itemsize)
        out = np.empty(room + (SMALL_ROOM if small else 0), np.uint8)
        encode = KERNELS.native.zstd_small if small else KERNELS.native.zstd_blocks
        size = encode(*runs.arguments, out)
        return EncodedChunk(out[:size].data, runs.nbytes)

    @property
    def encode_patches(self) -> Callable[[SeparablePatches], EncodedChunk] | None:
        """A function that encodes patches, which are float32, unless `small` is set."""
        return None if self.small else _encode_patches

    def tail(self, chunks: Sequence[EncodedChunk]) -> bytes:
        """An empty last block, so that no chunk depends on being the last."""
        return _TAIL

    def compressor(self, size: int | None = None) -> Compressor:
        """A new compressor of the zstandard library: two threads that share one crash the process."""
        return _Compressor() if size is None else zstandard.ZstdCompressor(level=3).compressobj(size=size)

    def bound(self, size: int, pixels: int, runs: int, itemsize: int) -> int:
        """16 bytes per run, plus the headers of the blocks of 128 KiB.

        The fast way: a gap takes 7 bytes as two headers, and at most 7 as a sequence or as literals; a compressed block
        takes 12 bytes more for its headers, and has at least four runs. The small way: a gap takes up to 7 literals,
        or a sequence of 10 bytes, 5 of a second one, and at most one literal; a block and the gap before it, which
        together have 128 KiB, take 32 bytes more. Tables are written only if they save more than they take.
        """
        return pixels * itemsize + 16 * runs + 32 * (size // _BLOCK + 4)


class _Compressor:
    """Writes the content's size into the frame header if the content is small enough to be buffered as a whole.

    A client that knows the size can decode the content with one call.
    """

    def __init__(self) -> None:
        self._kept = bytearray()
        self._stream: Compressor | None = None

    def compress(self, data: bytes, /) -> bytes:
        """Compress data; return the bytes of the frame that are complete, perhaps none."""
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
    """Encode patches as fast blocks: as the same pixels in runs, except that rows do not share blocks.

    Each row takes two headers of together 7 bytes, and each patch one more; a gap longer than a block takes several
    blocks. Eight numbers are written for the last row too.
    """
    nbytes = patches.nbytes
    headers = 7 * patches.rows + 4 * (nbytes // _BLOCK + patches.bounds.shape[0] + 2)
    room = 4 * (patches.pixels + MAX_PATCH_SIDE) + headers
    out = np.empty(room, np.uint8)
    size = KERNELS.native.zstd_patches(patches.bounds, patches.values, patches.width, patches.size, out)
    return EncodedChunk(out[:size].data, nbytes)


def _block_header(kind: int, size: int, *, last: bool = False) -> bytes:
    """Three bytes: last block, type, size (RFC 8878, 3.1.1.2)."""
    return (size << 3 | kind << 1 | last).to_bytes(3, "little")


_TAIL = _block_header(_RAW, 0, last=True)
