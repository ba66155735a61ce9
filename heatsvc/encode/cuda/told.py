"""Told: the small table that the host needs of a coded batch before it asks for the bytes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from heatsvc.encode.cuda.fetch import fetch
from heatsvc.encode.cuda.records import ADLER_BASE, ALIGNMENT, Counted, Places


@dataclass(frozen=True, slots=True)
class Told:
    """N chunks.

    Attributes:
        begin: each chunk's first byte in the output.
        nbytes: its bytes.
        sums: what all its records add to both sums of Adler-32, not reduced.
        size: of the output.
        records: how many records there are.
    """

    begin: tuple[int, ...]
    nbytes: tuple[int, ...]
    sums: tuple[tuple[int, int], ...]
    size: int
    records: int


def tell(places: Places, counted: Counted) -> Told:
    """The table, which is waited for."""
    import torch

    *numbers, records = fetch(torch.cat((places.nbytes, *places.adler, counted.count.view(1)))).tolist()
    count = len(numbers) // 3
    nbytes, low, high = numbers[:count], numbers[count : 2 * count], numbers[2 * count :]
    begin = list(accumulate((-(-size // ALIGNMENT) * ALIGNMENT for size in nbytes), initial=0))
    return Told(tuple(begin[:-1]), tuple(nbytes), tuple(zip(low, high, strict=True)), begin[-1], records)


def adler32(size: int, low: int, high: int) -> int:
    """The Adler-32 of `size` bytes from what those that are not zero add to its sums, which begin at 1 and 0.

    Each byte adds itself to the first sum, and itself times the bytes from it to the end to the second (RFC 1950, 8.2).
    """
    return (size + high) % ADLER_BASE << 16 | (1 + low) % ADLER_BASE
