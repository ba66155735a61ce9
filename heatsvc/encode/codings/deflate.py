"""deflate as HTTP defines it: a zlib stream (RFC 1950), written from runs with one Huffman table (RFC 1951, 3.2.7).

The statistics of rendered volumes differ little: mantissas, whose values are equally frequent, and gaps of fill. A
table for each body would need a pass over it, and would save only a few percent.
"""

from __future__ import annotations

import heapq
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from heatsvc.encode.codings.checksums import adler32_combine, adler32_of_runs
from heatsvc.encode.codings.coding import Compressor, EncodedChunk
from heatsvc.kernels import KERNELS
from heatsvc.render.cpu import PixelRuns

ADLER_START = 1
# Deflate with a window of 32 KiB, no dictionary, fastest level; the two bytes together are a multiple of 31.
_HEADER = b"\x78\x01"
# An empty stored block, marked as the last one: ends a stream whose chunks are all byte-aligned.
END_OF_STREAM = b"\x01\x00\x00\xff\xff"

MAX_MATCH = 258
_END_OF_BLOCK = 256
_FIRST_LENGTH = 257

# First match length of each length code from 257 on, and its extra bits (RFC 1951, 3.2.5).
_LENGTH_BASE = (
    *(3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27),
    *(31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258),
)
_LENGTH_EXTRA = (0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0)
# The order of the lengths of the code-length codes in a block's header.
_HEADER_ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)


class Deflate:
    """zlib streams with one predefined Huffman table."""

    name: ClassVar[str] = "deflate"
    encode_patches: ClassVar[None] = None
    makes_chunks: ClassVar[bool] = True

    def head(self, size: int) -> bytes:
        """The zlib header."""
        return _HEADER

    def encode_bytes(self, data: bytes) -> EncodedChunk:
        """Encode as stored blocks."""
        return EncodedChunk(stored_blocks(data), len(data), zlib.adler32(data))

    def encode_runs(self, runs: PixelRuns) -> EncodedChunk:
        """Encode as one block of literals, and of matches that repeat the fill."""
        return EncodedChunk(deflated(runs), runs.nbytes, adler32_of_runs(runs))

    def tail(self, chunks: Sequence[EncodedChunk]) -> bytes:
        """The last block, and the checksum of all chunks."""
        check = ADLER_START
        for chunk in chunks:
            check = adler32_combine(check, chunk.checksum, chunk.size)
        return END_OF_STREAM + check.to_bytes(4, "big")

    def compressor(self, size: int | None = None) -> Compressor:
        """A compressor of zlib."""
        return zlib.compressobj(level=6)

    def bound(self, size: int, pixels: int, runs: int, itemsize: int) -> int:
        """At most 15 bits per literal and 6 bytes per gap, plus 3 bits per 258 bytes of fill.

        Without kernels, zlib stores incompressible data, with 5 bytes per 16 KiB.
        """
        if KERNELS.native is None:
            return size + 5 * (size // 16_000) + 64
        return block_bound(size, pixels * itemsize, runs)


def deflated(runs: PixelRuns) -> memoryview:
    """Encode a tile as raw deflate (RFC 1951). An empty stored block aligns its end to bytes; no block is the last."""
    if KERNELS.native is None:
        compressor = zlib.compressobj(level=1, wbits=-15)
        return memoryview(compressor.compress(runs.dense()) + compressor.flush(zlib.Z_FULL_FLUSH))
    table = huffman_table(runs.fill)
    out = np.empty(block_bound(runs.nbytes, runs.values.nbytes, runs.start.size), np.uint8)
    size = KERNELS.native.deflate_block(
        *runs.arguments, table.header, table.header_bits, table.literals, table.matches, out
    )
    return out[:size].data


def stored_blocks(data: bytes) -> bytes:
    """Encode bytes as stored blocks, none of which is the last (RFC 1951, 3.2.4)."""
    blocks = (data[at : at + 0xFFFF] for at in range(0, len(data), 0xFFFF))
    return b"".join(
        b"\x00" + len(block).to_bytes(2, "little") + (len(block) ^ 0xFFFF).to_bytes(2, "little") + block
        for block in blocks
    )


@dataclass(frozen=True, slots=True, eq=False)
class HuffmanTable:
    """Huffman codes in the order of the stream, lowest bit first: the bits of the codes are reversed.

    A code is stored with its number of bits: ``code << 5 | bits``.

    Attributes:
        header: the block's header, from HLIT to the code lengths, packed in bytes.
        header_bits: number of bits of the header, including the three of BFINAL and BTYPE.
        literals: uint32 [257], the code of each byte, and at 256 that of the end of the block.
        matches: uint32 [259], the code of a match of 0 to 258 bytes at distance 1, with extra bits and distance code.
    """

    header: npt.NDArray[np.uint8]
    header_bits: int
    literals: npt.NDArray[np.uint32]
    matches: npt.NDArray[np.uint32]


@lru_cache(maxsize=2)
def huffman_table(fill: int) -> HuffmanTable:
    """The table for volumes whose gaps consist of the byte `fill`."""
    frequency = [1] * _END_OF_BLOCK + [1] + [0] * len(_LENGTH_BASE)
    for byte in range(256):
        frequency[byte] = 12
    frequency[fill] = 700
    # High bytes of floats from 1e-6 to 1: every fourth byte is one.
    for byte in range(0x36, 0x40):
        frequency[byte] = 90
    # The rest of a row, and the full matches of the empty rows in between.
    for code in range(len(_LENGTH_BASE) - 1):
        frequency[_FIRST_LENGTH + code] = 2
    for code in range(20, 28):
        frequency[_FIRST_LENGTH + code] = 100
    frequency[_FIRST_LENGTH + 28] = 2600
    lengths = _code_lengths(frequency)
    codes = _canonical(lengths)
    matches = np.zeros(MAX_MATCH + 1, np.uint32)
    for code, (base, extra) in enumerate(zip(_LENGTH_BASE, _LENGTH_EXTRA, strict=True)):
        symbol = _FIRST_LENGTH + code
        last = MAX_MATCH - 1 if code == 27 else base + (1 << extra) - 1
        for length in range(base, last + 1):
            # Code, extra bits, then one bit for distance code 0, which is distance 1, the only distance that is used.
            matches[length] = (codes[symbol] | (length - base) << lengths[symbol]) << 5 | lengths[symbol] + extra + 1
    header, header_bits = _block_header(lengths)
    literals = [code << 5 | bits for code, bits in zip(codes[:_FIRST_LENGTH], lengths[:_FIRST_LENGTH], strict=True)]
    return HuffmanTable(header, header_bits, np.array(literals, np.uint32), matches)


def block_bound(size: int, literals: int, runs: int) -> int:
    """An upper bound of the size of a block of `size` bytes, of which `literals` are literals, in `runs` runs."""
    longest = 15 + 5 + 1
    gap_symbols = 4 * (runs + 1) + size // MAX_MATCH
    return (literals * 15 + gap_symbols * longest) // 8 + 512


def _code_lengths(frequency: Sequence[int]) -> list[int]:
    """Lengths of Huffman codes; a symbol of frequency 0 gets no code."""
    lengths = [0] * len(frequency)
    heap: list[tuple[int, int, tuple[int, ...]]] = [
        (count, symbol, (symbol,)) for symbol, count in enumerate(frequency) if count
    ]
    heapq.heapify(heap)
    while len(heap) > 1:
        count, order, symbols = heapq.heappop(heap)
        other_count, _, other_symbols = heapq.heappop(heap)
        for symbol in (*symbols, *other_symbols):
            lengths[symbol] += 1
        heapq.heappush(heap, (count + other_count, order, symbols + other_symbols))
    if max(lengths) > 15:
        raise ValueError("a deflate code has at most 15 bits: the frequencies are too far apart")
    return lengths


def _canonical(lengths: Sequence[int]) -> list[int]:
    """Canonical codes of the given lengths (RFC 1951, 3.2.2), with reversed bits."""
    codes = [0] * len(lengths)
    code = 0
    for length in range(1, max(lengths) + 1):
        for symbol, own in enumerate(lengths):
            if own == length:
                codes[symbol] = int(f"{code:0{length}b}"[::-1], 2)
                code += 1
        code <<= 1
    return codes


def _block_header(lengths: Sequence[int]) -> tuple[npt.NDArray[np.uint8], int]:
    """The header of a dynamic block that is not the last; code lengths are written without repeats."""
    written = [*lengths, 1]
    used = sorted(set(written))
    length_lengths = _code_lengths([written.count(value) if value in used else 0 for value in range(19)])
    if max(length_lengths) > 7:
        raise ValueError("a code-length code has at most 7 bits")
    length_codes = _canonical(length_lengths)
    in_order = [length_lengths[value] for value in _HEADER_ORDER]
    while len(in_order) > 4 and in_order[-1] == 0:
        in_order.pop()
    bits = "0" + _low_first(2, 2)
    bits += _low_first(len(lengths) - 257, 5) + _low_first(0, 5) + _low_first(len(in_order) - 4, 4)
    bits += "".join(_low_first(value, 3) for value in in_order)
    bits += "".join(_low_first(length_codes[value], length_lengths[value]) for value in written)
    padded = np.array([int(bit) for bit in bits + "0" * (-len(bits) % 8)], np.uint8)
    return np.packbits(padded, bitorder="little"), len(bits)


def _low_first(value: int, bits: int) -> str:
    return f"{value:0{bits}b}"[::-1]
