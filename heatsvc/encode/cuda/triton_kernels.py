"""The Triton kernels: parts to extents, extents to records, records to blocks of zstd or to codes of deflate.

This module imports Triton; `heatsvc.encode.cuda.encoders` imports it when first needed. Tables are those of
`rendered.RowParts` and `records.Records`. Numbers that differ between batches are not constants, so that kernels are
not compiled again.
"""

from __future__ import annotations

import triton
import triton.language as tl

# Number of bytes, blocks or matches of each record that a program processes at once.
_WIDTH = tl.constexpr(32)

_ZSTD_BLOCK = tl.constexpr(128 << 10)
_LONGEST = tl.constexpr(258)
_BITS_AT = tl.constexpr(24)
_CODE = tl.constexpr((1 << 24) - 1)
_ADLER_BASE = tl.constexpr(65521)


@triton.jit(do_not_specialize=["first_program", "count"])
def find_extents(
    pixels,
    volumes,
    first,
    first_block,
    start,
    length,
    first_program,
    count,
    itemsize: tl.constexpr,
    alignment: tl.constexpr,
    part: tl.constexpr,
    block: tl.constexpr,
):
    """Find the first non-zero pixel of each part of a block, and the number of pixels up to the last one.

    Args:
        pixels: the rendered pixels as integers of `itemsize` bytes.
        first_program: the index of the first program's block among the blocks of all volumes.
        count: number of volumes.
        alignment: a power of two in pixels that divides the width of every map and the start of every volume.
        part: pixels of a part.
        block: parts of a program.
    """
    program = tl.program_id(0).to(tl.int64) + first_program
    volume, beyond = 0, count
    while beyond - volume > 1:
        middle = (volume + beyond) // 2
        if tl.load(first_block + middle) <= program:
            volume = middle
        else:
            beyond = middle
    # The hint is given twice, since a hint on a division by 1 is lost.
    first_byte = tl.multiple_of(tl.load(volumes + volume * 5), alignment * itemsize)
    first_pixel = tl.multiple_of(first_byte // itemsize, alignment)
    width = tl.multiple_of(tl.load(volumes + volume * 5 + 1).to(tl.int32), alignment)
    in_a_row = tl.load(volumes + volume * 5 + 3).to(tl.int32)
    first_part = tl.load(first + volume)
    last = tl.load(first + volume + 1) - first_part - 1
    begin = (program - tl.load(first_block + volume)) * block
    number = begin + tl.arange(0, block)
    # The row and column of the block's first part are computed once, so that further divisions are of small numbers.
    place = (begin % in_a_row).to(tl.int32) + tl.arange(0, block)
    offset = tl.arange(0, part)[None, :]
    x = (place % in_a_row * part)[:, None] + offset
    inside = (x < width) & (number < last)[:, None]
    row = first_pixel + (begin // in_a_row + place // in_a_row) * width
    seen = tl.load(pixels + row[:, None] + x, mask=inside, other=0) != 0
    left = tl.min(tl.where(seen, offset, part), 1)
    right = tl.max(tl.where(seen, offset + 1, 0), 1)
    pixels_seen = tl.where(right > 0, right - left, 0)
    tl.store(start + first_part + number, tl.where(right > 0, left, 0).to(tl.uint8), mask=number <= last)
    tl.store(length + first_part + number, tl.where(number == last, 1, pixels_seen).to(tl.uint8), mask=number <= last)


@triton.jit(do_not_specialize=["count", "steps", "records"])
def measure_records(
    part_of,
    start,
    length,
    first,
    volumes,
    rendered,
    literals,
    matches,
    to_volume,
    to_source,
    to_length,
    to_gap,
    to_size,
    to_adler,
    count,
    steps,
    records,
    deflate: tl.constexpr,
    fill_bits: tl.constexpr,
    longest_bits: tl.constexpr,
    part: tl.constexpr,
    block: tl.constexpr,
):
    """Compute the position of the bytes and the encoded size of some records.

    Args:
        count: number of volumes; a binary search of `steps` steps finds one.
        deflate: whether to compute bits of deflate and sums of Adler-32; else bytes of zstd.
        fill_bits, longest_bits: bits of the literal 0, and of the longest match.
        part: pixels of a part.
        block: records of a program.
    """
    record = tl.program_id(0).to(tl.int64) * block + tl.arange(0, block)
    live = record < records
    own = tl.load(part_of + record, mask=live, other=0)
    volume, beyond = tl.zeros([block], tl.int32), tl.zeros([block], tl.int32) + count
    for _ in range(steps):
        middle = (volume + beyond) // 2
        begun = tl.load(first + middle) <= own
        volume, beyond = tl.where(begun, middle, volume), tl.where(begun, beyond, middle)
    begin, size = _run(own, volume, start, length, first, volumes, part)
    earlier = tl.load(part_of + record - 1, mask=live & (record > 0), other=-1)
    follows = earlier >= tl.load(first + volume)
    earlier_begin, earlier_size = _run(tl.where(follows, earlier, own), volume, start, length, first, volumes, part)
    gap = begin - tl.where(follows, earlier_begin + earlier_size, 0)
    source = tl.load(volumes + volume * 5) + begin
    tl.store(to_volume + record, volume.to(tl.int64), mask=live)
    tl.store(to_source + record, source, mask=live)
    tl.store(to_length + record, size, mask=live)
    tl.store(to_gap + record, gap, mask=live)
    if deflate:
        zeros = tl.maximum(gap - 1, 0)
        rest = tl.load(matches + zeros % _LONGEST) >> _BITS_AT
        bits = tl.where(gap > 0, fill_bits + zeros // _LONGEST * longest_bits + rest, 0)
        total, within = tl.zeros([block], tl.int32), tl.zeros([block], tl.int32)
        for at in range(0, tl.max(size, 0).to(tl.int32), _WIDTH):
            offset = at + tl.arange(0, _WIDTH)[None, :]
            inside = (offset < size[:, None]) & live[:, None]
            byte = tl.load(rendered + source[:, None] + offset, mask=inside, other=0).to(tl.int32)
            bits += tl.sum(tl.load(literals + byte, mask=inside, other=0) >> _BITS_AT, 1)
            # Each byte is added once for itself and once for each byte after it (RFC 1950, 8.2).
            total += tl.sum(byte, 1)
            within += tl.sum(byte * (size[:, None].to(tl.int32) - offset), 1)
        behind = tl.load(volumes + volume * 5 + 4) - begin - size
        tl.store(to_size + record, bits, mask=live)
        tl.store(to_adler + record, (total % _ADLER_BASE).to(tl.int64), mask=live)
        tl.store(to_adler + records + record, (behind % _ADLER_BASE * total + within) % _ADLER_BASE, mask=live)
    else:
        filled = (gap + _ZSTD_BLOCK - 1) // _ZSTD_BLOCK * 4
        tl.store(to_size + record, filled + tl.where(size > 0, size + 3, 0), mask=live)


@triton.jit
def _run(own, volume, start, length, first, volumes, part: tl.constexpr):
    """The first byte (from the volume's start) and size of the non-zero pixels of each part."""
    width, itemsize = tl.load(volumes + volume * 5 + 1), tl.load(volumes + volume * 5 + 2)
    in_a_row, nbytes = tl.load(volumes + volume * 5 + 3), tl.load(volumes + volume * 5 + 4)
    number = own - tl.load(first + volume)
    pixel = number // in_a_row * width + number % in_a_row * part + tl.load(start + own)
    ends = own + 1 == tl.load(first + volume + 1)
    begin = tl.where(ends, nbytes, pixel * itemsize)
    return begin, tl.where(ends, 0, tl.load(length + own) * itemsize)


@triton.jit(do_not_specialize=["records"])
def write_zstd(rendered, source, length, gap, position, out, records, block: tl.constexpr):
    """Write some records: RLE blocks for the zeros, then a raw block for the bytes (RFC 8878, 3.1.1.2)."""
    record = tl.program_id(0).to(tl.int64) * block + tl.arange(0, block)
    live = record < records
    zeros, size = tl.load(gap + record, mask=live, other=0), tl.load(length + record, mask=live, other=0)
    to, begin = out + tl.load(position + record, mask=live, other=0), tl.load(source + record, mask=live, other=0)
    blocks = (zeros + _ZSTD_BLOCK - 1) // _ZSTD_BLOCK
    _rle_block(to, tl.minimum(zeros, _ZSTD_BLOCK), blocks > 0)
    for at in range(1, tl.max(blocks, 0).to(tl.int32), _WIDTH):
        number = at + tl.arange(0, _WIDTH)[None, :].to(tl.int64)
        left = zeros[:, None] - number * _ZSTD_BLOCK
        _rle_block(to[:, None] + 4 * number, tl.minimum(left, _ZSTD_BLOCK), left > 0)
    to += 4 * blocks
    _header(to, size << 3, size > 0)
    to += 3
    for at in range(0, tl.max(size, 0).to(tl.int32), _WIDTH):
        offset = at + tl.arange(0, _WIDTH)[None, :]
        inside = offset < size[:, None]
        tl.store(to[:, None] + offset, tl.load(rendered + begin[:, None] + offset, mask=inside, other=0), mask=inside)


@triton.jit
def _rle_block(to, size, wanted):
    _header(to, size << 3 | 1 << 1, wanted)
    tl.store(to + 3, tl.zeros_like(size).to(tl.uint8), mask=wanted)


@triton.jit
def _header(to, header, wanted):
    """Write a block's three header bytes, the lowest first."""
    tl.store(to, (header & 0xFF).to(tl.uint8), mask=wanted)
    tl.store(to + 1, (header >> 8 & 0xFF).to(tl.uint8), mask=wanted)
    tl.store(to + 2, (header >> 16 & 0xFF).to(tl.uint8), mask=wanted)


@triton.jit(do_not_specialize=["records"])
def write_deflate(
    rendered,
    source,
    length,
    gap,
    position,
    literals,
    matches,
    words,
    records,
    fill_code: tl.constexpr,
    fill_bits: tl.constexpr,
    longest_bits: tl.constexpr,
    many: tl.constexpr,
    many_code: tl.constexpr,
    block: tl.constexpr,
):
    """Write some records: a literal 0 and matches for the zeros, then literals (RFC 1951, 3.2)."""
    record = tl.program_id(0).to(tl.int64) * block + tl.arange(0, block)
    live = record < records
    zeros, size = tl.load(gap + record, mask=live, other=0), tl.load(length + record, mask=live, other=0)
    bit, begin = tl.load(position + record, mask=live, other=0), tl.load(source + record, mask=live, other=0)
    filled = zeros > 0
    _put(words, bit, tl.full([block], fill_code, tl.int64), filled)
    bit += tl.where(filled, fill_bits, 0)
    zeros = tl.maximum(zeros - 1, 0)
    units = zeros // (_LONGEST * many)
    for at in range(0, tl.max(units, 0).to(tl.int32), _WIDTH):
        unit = at + tl.arange(0, _WIDTH)[None, :].to(tl.int64)
        code = tl.full([block, _WIDTH], many_code, tl.int64)
        _put(words, bit[:, None] + unit * (many * longest_bits), code, unit < units[:, None])
    bit += units * (many * longest_bits)
    longest = zeros % (_LONGEST * many) // _LONGEST * longest_bits
    some = tl.full([block], many_code, tl.int64) & ((tl.full([block], 1, tl.int64) << longest) - 1)
    _put(words, bit, some, longest > 0)
    bit += longest
    rest = tl.load(matches + zeros % _LONGEST)
    _put(words, bit, (rest & _CODE).to(tl.int64), filled)
    bit += rest >> _BITS_AT
    for at in range(0, tl.max(size, 0).to(tl.int32), _WIDTH):
        offset = at + tl.arange(0, _WIDTH)[None, :]
        inside = offset < size[:, None]
        byte = tl.load(rendered + begin[:, None] + offset, mask=inside, other=0).to(tl.int32)
        literal = tl.load(literals + byte, mask=inside, other=0)
        bits = literal >> _BITS_AT
        before = tl.cumsum(bits, 1) - bits
        _put(words, bit[:, None] + before, (literal & _CODE).to(tl.int64), inside)
        bit += tl.sum(bits, 1)


@triton.jit
def write_ends(
    begin,
    nbytes,
    end,
    header,
    words,
    header_bytes: tl.constexpr,
    end_code: tl.constexpr,
    width: tl.constexpr,
):
    """Write a deflate chunk's block header and end, and an empty stored block (RFC 1951, 3.2.4)."""
    volume = tl.program_id(0)
    offset = tl.arange(0, width)
    byte, there = tl.load(begin + volume), offset < header_bytes
    code = tl.load(header + offset, mask=there, other=0).to(tl.int64)
    _put(words, (byte + offset) * 8, code, there)
    # Three zero bits, the padding of the byte, length 0, and its complement: only the last 16 bits are ones.
    complement = (byte + tl.load(nbytes + volume)) * 8 - 16
    place = tl.where(offset == 0, tl.load(end + volume), complement)
    _put(words, place, tl.where(offset == 0, end_code, 0xFFFF).to(tl.int64), offset < 2)


@triton.jit
def _put(words, position, code, wanted):
    """Set the bits of codes of up to 32 bits at bit positions of a stream of 32-bit words, lowest bit first.

    Codes never share a bit, but often a word.
    """
    shifted = code << (position & 31)
    low, high = shifted.to(tl.int32), (shifted >> 32).to(tl.int32)
    word = words + (position >> 5)
    tl.atomic_or(word, low, mask=wanted & (low != 0), sem="relaxed")
    tl.atomic_or(word + 1, high, mask=wanted & (high != 0), sem="relaxed")
