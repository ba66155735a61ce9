"""Records: what a batch's parts become in the coded answer, in tables that lie on the device."""

from __future__ import annotations

from dataclasses import dataclass

from heatsvc.encode.cuda.deflate_codes import deflate_codes
from heatsvc.encode.cuda.parts import Parts
from heatsvc.render.cuda.tensors import Tensor

ADLER_BASE = 65521
# Every chunk begins at a multiple of so many bytes of the output: then no word belongs to two.
ALIGNMENT = 4
# The most bytes of a block of zstd.
ZSTD_BLOCK = 128 << 10
# Bytes of the empty stored block that ends a chunk of deflate, behind its three bits and what fills their byte.
STORED_BYTES = 4


@dataclass(frozen=True, slots=True, eq=False)
class Extents:
    """What of each part is not zero.

    Attributes:
        start: uint8 [S], its first pixel that is not zero, counted from the part's first.
        length: uint8 [S], how many pixels from there to the last that is not zero; 0 for a part of zeros, and 1 for a
            volume's end.
    """

    start: Tensor
    length: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """R records: the zeros before a part's pixels, and these; and at each volume's end the zeros before that.

    The records that are fewer than there is room for are of no bytes, and stand behind all others.

    Attributes:
        volume: int64 [R].
        source: int64 [R], the first byte among the drawn ones.
        length: int64 [R], how many bytes; 0 at a volume's end.
        gap: int64 [R], the zero bytes before, back to the record before of the same volume.
        size: int64 [R], how long it will be: bytes of zstd, bits of deflate.
        adler: int64 [2, R], what it adds to both sums of its volume's Adler-32, each under 65,521. For zstd [2, 0].
    """

    volume: Tensor
    source: Tensor
    length: Tensor
    gap: Tensor
    size: Tensor
    adler: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """Which part each record is of.

    Attributes:
        part: int64 [R]; the last one too where there are no more.
        last: int64 [N], the record at each volume's end.
        count: int64 [], how many there are: not more than R, or R was no bound.
    """

    part: Tensor
    last: Tensor
    count: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where chunks and records stand in the output.

    Attributes:
        begin: int64 [N], each chunk's first byte, a multiple of `ALIGNMENT`.
        nbytes: int64 [N], its bytes.
        end: int64 [N], where its last record ends: the byte of zstd, or the bit of deflate.
        position: int64 [R], each record's first byte of zstd, or bit of deflate.
        adler: int64 [2, N], what all records add to both sums; zeros for zstd.
    """

    begin: Tensor
    nbytes: Tensor
    end: Tensor
    position: Tensor
    adler: Tensor


def count_records(extents: Extents, parts: Parts) -> Counted:
    """The parts that are not all zeros, by one prefix sum; as many as there is room for."""
    import torch

    upto = torch.cumsum(extents.length > 0, 0, dtype=torch.int32 if parts.count < 2**31 else torch.int64)
    wanted = torch.arange(1, parts.runs + 1, dtype=upto.dtype, device=upto.device)
    part = torch.searchsorted(upto, wanted).clamp(max=parts.count - 1)
    last = (upto[parts.first[1:] - 1].long() - 1).clamp(max=parts.runs - 1)
    return Counted(part, last, upto[-1].long())


def place(records: Records, counted: Counted, *, deflate: bool) -> Places:
    """Where everything will stand, by prefix sums of sizes."""
    import torch

    ends = torch.cumsum(records.size, 0)
    upto = ends[counted.last]
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
        sums = torch.cumsum(records.adler, 1)[:, counted.last]
        adler = sums.diff(dim=1, prepend=sums.new_zeros(2, 1))
    return Places(begin, nbytes, first + upto - before, position, adler)
