"""zstd, written straight from runs (RFC 8878).

A frame is a sequence of blocks of up to 128 KiB, and there are two ways to write runs as blocks. The fast one makes RLE
blocks of the gaps and raw blocks of the runs; the rows of a large primitive become a block of literals and sequences,
without match search or entropy-coded literals. The small one does both, as far as it saves more than it costs. The
window is 256 KiB, far under the 8 MB that a content coding may ask for (RFC 9659).
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
# Bytes that the small way may write after its last one: codes may turn out longer than the literals that they replace.
SMALL_ROOM = 64 << 10
# Pixels of so many bytes are written the small way. A float32 is mantissa for the most part, which no code shortens.
_SMALL_ITEMSIZES = (1, 2)
_MAX_KEPT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Zstd:
    """Zstandard frames.

    Attributes:
        small: whether to write runs the small way; None for what is best for the type of the pixels.
    """

    small: bool | None = None

    name: ClassVar[str] = "zstd"

    @property
    def makes_chunks(self) -> bool:
        """With compiled kernels: the library's compressor makes frames, and a body is one frame."""
        return KERNELS.native is not None

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

        Fast ones take the first repeated offset for 1, as it is at a frame's start and as they leave it: in a frame
        none follows a small one, since all chunks of a body are encoded alike and have pixels of one size.
        """
        small = runs.itemsize in _SMALL_ITEMSIZES if self.small is None else self.small
        room = self.bound(runs.nbytes, runs.values.size, runs.start.size, runs.itemsize)
        out = np.empty(room + (SMALL_ROOM if small else 0), np.uint8)
        encode = KERNELS.native.zstd_small if small else KERNELS.native.zstd_blocks
        size = encode(*runs.arguments, out)
        return EncodedChunk(out[:size].data, runs.nbytes)

    @property
    def encode_patches(self) -> Callable[[SeparablePatches], EncodedChunk] | None:
        """Codes patches, which are float32, as long as that goes the fast way."""
        return None if self.small else _encode_patches

    def tail(self, chunks: Sequence[EncodedChunk]) -> bytes:
        """An empty last block, so that no chunk depends on being the last."""
        return _TAIL

    def compressor(self, size: int | None = None) -> Compressor:
        """The reference encoder's; one for each body, since two threads that share one crash the process."""
        return _Compressor() if size is None else zstandard.ZstdCompressor(level=3).compressobj(size=size)

    def bound(self, size: int, pixels: int, runs: int, itemsize: int) -> int:
        """16 bytes per run, and what the blocks of 128 KiB add.

        The fast way: a gap costs 7 bytes as two headers, at most 7 as a sequence or as literals; a compressed block
        has a dozen more for its own headers, and at least three runs. The small way: a gap is up to 7 literals, or a
        sequence of 10 bytes and the 5 of a second one, with one literal at the most; a block and the gap before it have
        32 bytes more, and both together 128 KiB. Tables are described once, where they save more than that.
        """
        return pixels * itemsize + 16 * runs + 32 * (size // _BLOCK + 4)


class _Compressor:
    """Writes the content's size into the frame where the content is small enough to be kept until its end is known.

    A client that has the size can decode the whole with one call.
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
    """Fast blocks, as of the same pixels in runs, but that no rows share a block.

    Each row has two headers, of 7 bytes, and each patch one more before it; a gap of more than a block is several
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
