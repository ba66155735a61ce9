"""Checksums of runs, computed without reading the gaps, and of chunks, from those of each."""

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
    """The Adler-32 of two byte strings one after the other, the second of `size` bytes, from that of each.

    With s1 the sum of bytes and s2 the sum of sums, the second string starts from the first's sums and not from 1, 0
    (RFC 1950, 8.2).
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
    """CRC-32 and size of chunks one after the other, from those of each."""
    check, size = 0, 0
    for chunk in chunks:
        check = _crc32_after_zeros(check, chunk.size) ^ chunk.checksum
        size += chunk.size
    return check, size


def _crc32_after_zeros(check: int, size: int) -> int:
    """What a CRC-32 contributes to that of its string and of `size` bytes after it: a linear function of the check."""
    if KERNELS.native is not None:
        return int(KERNELS.native.crc32_after_zeros(check, size))
    zeros = memoryview(bytes(min(size, _ZEROS)))
    of_zeros = 0
    while size:
        check, of_zeros = zlib.crc32(zeros[:size], check), zlib.crc32(zeros[:size], of_zeros)
        size -= min(size, _ZEROS)
    return check ^ of_zeros
