"""Checksums of runs, computed without reading the gaps.

Of Adler-32 a gap's part is the sum of an arithmetic series. Of CRC-32 it is a matrix: to add n zero bytes to a message
is a linear map of its CRC over GF(2), 32 x 32, and the map for n bytes is the product of those for the powers of two
that make up n. This is how zlib's crc32_combine joins two checksums.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from heatsvc.encode.codings.coding import EncodedChunk
from heatsvc.render.cpu import PixelRuns

_POLYNOMIAL = 0xEDB88320
_POWERS = 40  # gaps up to 2**40 bytes
_ADLER_BASE = 65521


def adler32_of_runs(runs: PixelRuns) -> int:
    """Adler-32 (RFC 1950, 8.2) of a tile given as runs."""
    from heatsvc.encode.codings import checksum_kernels  # compiled when first imported

    values = runs.values.view(np.uint8)
    return int(checksum_kernels.adler32_of_runs(values, runs.start, runs.length, runs.itemsize, runs.size, runs.fill))


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
    from heatsvc.encode.codings import checksum_kernels

    tables = (byte_tables(), zero_tables(), fill_states(runs.fill))
    values = runs.values.view(np.uint8)
    return int(checksum_kernels.crc32_of_runs(values, runs.start, runs.length, runs.itemsize, runs.size, *tables))


def crc32_of_chunks(chunks: Sequence[EncodedChunk]) -> tuple[int, int]:
    """CRC-32 and size of chunks one after the other, from those of each."""
    from heatsvc.encode.codings import checksum_kernels

    check, size = 0, 0
    for chunk in chunks:
        check = int(checksum_kernels.crc32_after_zeros(check, chunk.size, zero_tables())) ^ chunk.checksum
        size += chunk.size
    return check, size


@lru_cache(maxsize=1)
def byte_tables() -> npt.NDArray[np.uint32]:
    """uint32 [4, 256]: row 0 takes a byte into the state, row k a byte with k zero bytes after it (slicing by 4)."""
    tables = np.zeros((4, 256), np.uint32)
    for byte in range(256):
        state = byte
        for _ in range(8):
            state = state >> 1 ^ (_POLYNOMIAL if state & 1 else 0)
        tables[0, byte] = state
    for k in range(1, 4):
        tables[k] = tables[k - 1] >> 8 ^ tables[0, tables[k - 1] & 0xFF]
    return tables


@lru_cache(maxsize=1)
def zero_tables() -> npt.NDArray[np.uint32]:
    """uint32 [40, 4, 256]: the map for 2**p zero bytes, by byte of the state: four look-ups and three XORs apply it."""
    tables = np.zeros((_POWERS, 4, 256), np.uint32)
    states = np.arange(256, dtype=np.uint32)
    one = byte_tables()[0]
    for place in range(4):
        shifted = states << np.uint32(8 * place)
        tables[0, place] = shifted >> 8 ^ one[shifted & 0xFF]
    for power in range(1, _POWERS):
        for place in range(4):
            tables[power, place] = _apply(tables[power - 1], tables[power - 1, place])
    return tables


@lru_cache(maxsize=2)
def fill_states(fill: int) -> npt.NDArray[np.uint32]:
    """uint32 [40]: the state that 2**p bytes of `fill` make of state 0."""
    states = np.zeros(_POWERS, np.uint32)
    states[0] = byte_tables()[0, fill]
    for power in range(1, _POWERS):
        states[power] = _apply(zero_tables()[power - 1], states[power - 1 : power])[0] ^ states[power - 1]
    return states


def _apply(tables: npt.NDArray[np.uint32], states: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """The map of `tables` [4, 256] on each of some states."""
    result = np.zeros_like(states)
    for place in range(4):
        result ^= tables[place, states >> np.uint32(8 * place) & np.uint32(0xFF)]
    return result
