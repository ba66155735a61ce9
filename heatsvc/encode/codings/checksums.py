"""Checksums of runs, computed without reading the gaps, and of chunks, from those of each."""

from __future__ import annotations

from collections.abc import Sequence

from heatsvc.encode.codings.coding import EncodedChunk
from heatsvc.encode.codings.kernels import native, runs_arguments
from heatsvc.render.cpu import PixelRuns

_ADLER_BASE = 65521


def adler32_of_runs(runs: PixelRuns) -> int:
    """Adler-32 (RFC 1950, 8.2) of a tile given as runs."""
    return int(native.adler32_of_runs(*runs_arguments(runs)))


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
    return int(native.crc32_of_runs(*runs_arguments(runs)))


def crc32_of_chunks(chunks: Sequence[EncodedChunk]) -> tuple[int, int]:
    """CRC-32 and size of chunks one after the other, from those of each."""
    check, size = 0, 0
    for chunk in chunks:
        check = int(native.crc32_after_zeros(check, chunk.size)) ^ chunk.checksum
        size += chunk.size
    return check, size
