"""Records: tables on the device that describe how the row parts of a batch are encoded."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

import torch

from heatsvc.encode.cuda.deflate_codes import deflate_codes
from heatsvc.encode.cuda.rendered import RowParts
from heatsvc.render.cuda.transfer import to_host

ADLER_BASE = 65521
# Every chunk begins at a multiple of this many bytes, so that no 32-bit word belongs to two chunks.
ALIGNMENT = 4
# Maximum size of a zstd block in bytes.
ZSTD_BLOCK = 128 << 10
# Size of the empty stored block at the end of a deflate chunk, after its three header bits and their padding.
STORED_BYTES = 4


@dataclass(frozen=True, slots=True, eq=False)
class Extents:
    """The non-zero pixels of S parts.

    Attributes:
        start: uint8 [S], the first non-zero pixel, relative to the part's first pixel.
        length: uint8 [S], pixels from there to the last non-zero one; 0 for a part of zeros, 1 for the end of a volume.
    """

    start: torch.Tensor
    length: torch.Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """R records: each is a gap of zeros and the pixels of a part after it, or the gap at the end of a volume.

    Unused records at the end have the size 0.

    Attributes:
        volume: int64 [R], the volume.
        source: int64 [R], the first byte in the rendered batch.
        length: int64 [R], bytes of pixels; 0 at the end of a volume.
        gap: int64 [R], bytes of zeros since the previous record of the same volume.
        size: int64 [R], encoded size: bytes of zstd, bits of deflate.
        adler: int64 [2, R], the contribution to the two sums of the volume's Adler-32, each below 65,521. For zstd
            [2, 0].
    """

    volume: torch.Tensor
    source: torch.Tensor
    length: torch.Tensor
    gap: torch.Tensor
    size: torch.Tensor
    adler: torch.Tensor


@dataclass(frozen=True, slots=True, eq=False)
class RecordIndex:
    """The part that each record belongs to.

    Attributes:
        part: int64 [R]; the last part for unused records.
        last: int64 [N], the record at the end of each volume.
        count: int64 [], records in use; more than R only if the upper bound R was wrong.
    """

    part: torch.Tensor
    last: torch.Tensor
    count: torch.Tensor


@dataclass(frozen=True, slots=True, eq=False)
class OutputLayout:
    """Positions of chunks and records in the output.

    Attributes:
        begin: int64 [N], each chunk's first byte, a multiple of `ALIGNMENT`.
        nbytes: int64 [N], each chunk's bytes.
        end: int64 [N], the end of its last record: a byte for zstd, a bit for deflate.
        position: int64 [R], the start of each record: a byte for zstd, a bit for deflate.
        adler: int64 [2, N], the sums over all records; zeros for zstd.
    """

    begin: torch.Tensor
    nbytes: torch.Tensor
    end: torch.Tensor
    position: torch.Tensor
    adler: torch.Tensor


def index_records(extents: Extents, parts: RowParts) -> RecordIndex:
    """Find the parts that are not all zeros, at most `parts.runs`, with one prefix sum."""
    upto = torch.cumsum(extents.length > 0, 0, dtype=torch.int32 if parts.count < 2**31 else torch.int64)
    wanted = torch.arange(1, parts.runs + 1, dtype=upto.dtype, device=upto.device)
    part = torch.searchsorted(upto, wanted).clamp(max=parts.count - 1)
    last = (upto[parts.first[1:] - 1].long() - 1).clamp(max=parts.runs - 1)
    return RecordIndex(part, last, upto[-1].long())


def lay_out(records: Records, index: RecordIndex, *, deflate: bool) -> OutputLayout:
    """Compute the positions of all chunks and records, with prefix sums of sizes."""
    ends = torch.cumsum(records.size, 0)
    upto = ends[index.last]
    before = torch.cat((upto.new_zeros(1), upto[:-1]))
    nbytes, head, unit = upto - before, 0, 1
    if deflate:
        codes = deflate_codes()
        head, unit = codes.header_bits, 8
        nbytes = (head + nbytes + codes.end_bits + 3 + 7) // 8 + STORED_BYTES
    room = (nbytes + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT
    begin = torch.cumsum(room, 0) - room
    first = begin * unit + head
    position = ends - records.size + (first - before)[records.volume]
    adler = nbytes.new_zeros(2, len(nbytes))
    if deflate:
        sums = torch.cumsum(records.adler, 1)[:, index.last]
        adler = sums.diff(dim=1, prepend=sums.new_zeros(2, 1))
    return OutputLayout(begin, nbytes, first + upto - before, position, adler)


@dataclass(frozen=True, slots=True)
class BatchSizes:
    """The sizes of N chunks, on the host.

    Attributes:
        begin: each chunk's first byte in the output.
        nbytes: each chunk's bytes.
        sums: each chunk's two sums of Adler-32 over all records, not reduced modulo 65,521.
        size: bytes of the output.
        records: number of records in use.
    """

    begin: tuple[int, ...]
    nbytes: tuple[int, ...]
    sums: tuple[tuple[int, int], ...]
    size: int
    records: int


def fetch_sizes(layout: OutputLayout, index: RecordIndex) -> BatchSizes:
    """Copy the sizes to the host, and wait for the copy."""
    *numbers, records = to_host(torch.cat((layout.nbytes, *layout.adler, index.count.view(1)))).tolist()
    count = len(numbers) // 3
    nbytes, low, high = numbers[:count], numbers[count : 2 * count], numbers[2 * count :]
    begin = list(accumulate((-(-size // ALIGNMENT) * ALIGNMENT for size in nbytes), initial=0))
    return BatchSizes(tuple(begin[:-1]), tuple(nbytes), tuple(zip(low, high, strict=True)), begin[-1], records)


def adler32(size: int, low: int, high: int) -> int:
    """The Adler-32 of `size` bytes from the sums over the non-zero bytes; the two sums begin at 1 and 0.

    A byte adds its value to the first sum, and its value times its distance from the end to the second (RFC 1950, 8.2).
    """
    return (size + high) % ADLER_BASE << 16 | (1 + low) % ADLER_BASE
