"""Computes checksums of runs without reading the gaps, and of sequences of chunks from the chunks' checksums."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from heatsvc.encode.codings.coding import EncodedChunk
from heatsvc.kernels import KERNELS
from heatsvc.render.cpu import PixelRuns

_ADLER_BASE = 65521
_ZEROS = 1 << 20


def adler32_of_runs(runs: PixelRuns) -> int:
    """Adler-32 (RFC 1950, 8.2) of a tile given as runs."""
    if KERNELS.native is None:
        return zlib.adler32(runs.dense())
    return int(KERNELS.native.adler32_of_runs(*runs.arguments))


def adler32_combine(first: int, second: int, size: int) -> int:
    """The Adler-32 of two concatenated byte strings, the second of `size` bytes, from their checksums.

    s1 is the sum of the bytes and s2 the sum of the sums. The second string starts from the sums of the first instead
    of from 1 and 0 (RFC 1950, 8.2).
    """
    low, high = first & 0xFFFF, first >> 16
    then_low, then_high = second & 0xFFFF, second >> 16
    total_low = (low + then_low - 1) % _ADLER_BASE
    total_high = (high + then_high + (size % _ADLER_BASE) * (low - 1)) % _ADLER_BASE
    return total_high << 16 | total_low


def crc32_of_runs(runs: PixelRuns) -> int:
    """CRC-32 (RFC 1952, 8) of a tile given as runs."""
    if KERNELS.native is None:
        return zlib.crc32(runs.dense())
    return int(KERNELS.native.crc32_of_runs(*runs.arguments))


def crc32_of_chunks(chunks: Sequence[EncodedChunk]) -> tuple[int, int]:
    """CRC-32 and size of concatenated chunks, from their checksums and sizes."""
    check, size = 0, 0
    for chunk in chunks:
        check = _crc32_after_zeros(check, chunk.size) ^ chunk.checksum
        size += chunk.size
    return check, size


def _crc32_after_zeros(check: int, size: int) -> int:
    """The contribution of a string's CRC-32 to that of the string and `size` more bytes: a linear function."""
    if KERNELS.native is not None:
        return int(KERNELS.native.crc32_after_zeros(check, size))
    zeros = memoryview(bytes(min(size, _ZEROS)))
    of_zeros = 0
    while size:
        check, of_zeros = zlib.crc32(zeros[:size], check), zlib.crc32(zeros[:size], of_zeros)
        size -= min(size, _ZEROS)
    return check ^ of_zeros
