"""The two encoders of a rendered batch: Triton kernels, and plain torch for devices without Triton."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any

import torch

from heatsvc.encode.cuda.deflate_codes import BITS_AT, CODE, LONGEST, deflate_codes
from heatsvc.encode.cuda.records import ADLER_BASE, ZSTD_BLOCK, Extents, OutputLayout, RecordIndex, Records
from heatsvc.encode.cuda.rendered import BLOCK, PART, RenderedBatch, RowParts
from heatsvc.render.cuda.packed_batch import common_alignment

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class TorchEncoder:
    """Encodes a batch with plain torch.

    Attributes:
        chunk: number of pixels, bytes or matches that are processed at once, each of which takes up to 100 bytes of
            memory. The output does not depend on it.
    """

    chunk: int = CHUNK

    def extents(self, rendered: RenderedBatch, parts: RowParts) -> Extents:
        """The non-zero pixels of each part; a pixel is zero if all its bits are."""
        start = torch.zeros(parts.count, dtype=torch.uint8, device=rendered.pixels.device)
        length = torch.zeros_like(start)
        offset = torch.arange(PART, dtype=torch.uint8, device=start.device)
        none, beyond = offset.new_zeros(()), offset.new_full((), PART)
        first = 0
        for group in rendered.groups:
            bits = {1: torch.uint8, 2: torch.int16, 4: torch.int32}[group.itemsize]
            for volume in range(group.first, group.last):
                shape, begin = rendered.shapes[volume], rendered.first_bytes[volume]
                if prod(shape):
                    rows = rendered.pixels[begin : begin + prod(shape) * group.itemsize].view(bits).view(-1, shape[-1])
                    in_a_row = -(-shape[-1] // PART)
                    step = max(self.chunk // (in_a_row * PART), 1)
                    for at in range(0, len(rows), step):
                        some = rows[at : at + step]
                        seen = torch.nn.functional.pad(some != 0, (0, in_a_row * PART - shape[-1])).view(-1, PART)
                        left, right = (
                            torch.where(seen, offset, beyond).amin(1),
                            torch.where(seen, offset + 1, none).amax(1),
                        )
                        start[first : first + len(seen)] = torch.where(right > 0, left, none)
                        length[first : first + len(seen)] = torch.where(right > 0, right - left, none)
                        first += len(seen)
                first += 1
        length[parts.first[1:] - 1] = 1
        return Extents(start, length)

    def measure(
        self, rendered: RenderedBatch, parts: RowParts, extents: Extents, index: RecordIndex, *, deflate: bool
    ) -> Records:
        """All records and their encoded sizes; for deflate their bytes are read once to count the bits."""
        volume, begin, length = _runs(index.part, parts, extents)
        _, before, before_length = _runs(index.part.roll(1), parts, extents)
        # The previous record belongs to another volume if this one is the first of its volume; roll() puts the last
        # record before the first one.
        starts = index.part.new_ones(len(volume), dtype=torch.bool)
        starts[1:] = volume[1:] != volume[:-1]
        gap = begin - torch.where(starts, 0, before + before_length)
        source = parts.volumes[volume, 0] + begin
        if not deflate:
            size = -(-gap // ZSTD_BLOCK) * 4 + torch.where(length > 0, 3 + length, 0)
            return Records(volume, source, length, gap, size, gap.new_empty(2, 0))
        size, adler = _fill_bits(gap, parts), gap.new_empty(2, len(gap))
        behind = parts.volumes[volume, 4] - begin - length
        step = max(self.chunk // parts.part_bytes, 1)
        for at in range(0, len(volume), step):
            some = slice(at, at + step)
            byte, inside, offset = _bytes(rendered, parts, source[some], length[some])
            size[some] += torch.where(inside, parts.literals[byte] >> BITS_AT, 0).sum(1)
            # Each byte is added once for itself and once for each byte after it (RFC 1950, 8.2).
            total = byte.sum(1)
            within = (byte * (length[some, None] - offset).clamp(min=0)).sum(1)
            adler[0, some] = total % ADLER_BASE
            adler[1, some] = (behind[some] % ADLER_BASE * total + within) % ADLER_BASE
        return Records(volume, source, length, gap, size, adler)

    def zstd(
        self, rendered: RenderedBatch, parts: RowParts, records: Records, layout: OutputLayout, size: int
    ) -> torch.Tensor:
        """The chunks, uint8 [size]. Each byte is computed from its record and its position in the record."""
        out = torch.zeros(size, dtype=torch.uint8, device=rendered.pixels.device)
        # The last record that begins at a byte or before it; for a chunk's padding it is the record at the end.
        for at in range(0, size, self.chunk):
            byte = torch.arange(at, min(at + self.chunk, size), device=out.device)
            r = torch.searchsorted(layout.position, byte, right=True) - 1
            within = byte - layout.position[r]
            blocks = -(-records.gap[r] // ZSTD_BLOCK)
            # A block's header is its size, type and a bit for the last one, in three bytes (RFC 8878, 3.1.1.2).
            number, place = within // 4, within % 4
            part = (records.gap[r] - number * ZSTD_BLOCK).clamp(max=ZSTD_BLOCK)
            fill = torch.where(place < 3, (part << 3 | 1 << 1) >> 8 * place.clamp(max=2) & 0xFF, 0)
            place = within - 4 * blocks
            header = (records.length[r] << 3) >> 8 * place.clamp(0, 2) & 0xFF
            source = (records.source[r] + place - 3).clamp(0, len(rendered.pixels) - 1)
            raw = torch.where(place < 3, header, rendered.pixels[source].long())
            coded = torch.where(within < 4 * blocks, fill, raw)
            coded = torch.where(within < records.size[r], coded, 0)
            out[at : at + self.chunk] = coded.to(torch.uint8)
        return out

    def deflate(
        self, rendered: RenderedBatch, parts: RowParts, records: Records, layout: OutputLayout, size: int
    ) -> torch.Tensor:
        """The chunks, uint8 [size]. Codes are added to words, since no two codes have bits in common."""
        codes = deflate_codes()
        words = torch.zeros(size // 4, dtype=torch.int64, device=rendered.pixels.device)
        header = torch.arange(len(parts.header), device=words.device) * 8
        _put(words, layout.begin[:, None] * 8 + header, parts.header.long())
        _put(words, layout.end, torch.full_like(layout.end, codes.end_code))
        # The empty stored block ends with the complement of its length 0; all bits before that are zeros.
        _put(words, (layout.begin + layout.nbytes) * 8 - 16, torch.full_like(layout.end, 0xFFFF))

        filled = records.gap > 0
        zeros = (records.gap - 1).clamp(min=0)
        position = layout.position
        _put(words, position, torch.where(filled, codes.fill_code, 0))
        position = position + torch.where(filled, codes.fill_bits, 0)
        many, many_bits = LONGEST * codes.many, codes.longest_bits * codes.many
        units = zeros // many
        upto = torch.cumsum(units, 0)
        for at in range(0, len(rendered.pixels) // many, self.chunk):
            unit = torch.arange(at, min(at + self.chunk, len(rendered.pixels) // many), device=words.device)
            r = torch.searchsorted(upto, unit, right=True).clamp(max=len(upto) - 1)
            within = unit - upto[r] + units[r]
            code = torch.where(unit < upto[-1], codes.many_code, 0)
            _put(words, torch.where(unit < upto[-1], position[r] + within * many_bits, 0), code)
        position = position + units * many_bits
        longest = zeros % many // LONGEST * codes.longest_bits
        _put(words, position, codes.many_code & ((1 << longest) - 1))
        position = position + longest
        rest = parts.matches[zeros % LONGEST].long()
        _put(words, position, rest & CODE)
        position = position + (rest >> BITS_AT)

        step = max(self.chunk // parts.part_bytes, 1)
        for at in range(0, len(position), step):
            some = slice(at, at + step)
            byte, inside, _ = _bytes(rendered, parts, records.source[some], records.length[some])
            literal = torch.where(inside, parts.literals[byte].long(), 0)
            bits = literal >> BITS_AT
            _put(words, position[some, None] + bits.cumsum(1) - bits, literal & CODE)
        out = torch.empty(size // 4, 4, dtype=torch.uint8, device=words.device)
        shifts = torch.arange(0, 32, 8, device=words.device)
        for at in range(0, len(out), self.chunk):
            out[at : at + self.chunk] = (words[at : at + self.chunk, None] >> shifts & 0xFF).to(torch.uint8)
        return out.view(-1)


def _runs(part: torch.Tensor, parts: RowParts, extents: Extents) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The volume of each part, and the first byte (from the volume's start) and size of its non-zero pixels."""
    volume = torch.searchsorted(parts.first[1:], part, right=True)
    _, width, itemsize, in_a_row, nbytes = parts.volumes[volume].unbind(1)
    row, place = (part - parts.first[volume]) // in_a_row, (part - parts.first[volume]) % in_a_row
    pixel = row * width + place * PART + extents.start[part]
    ends = part + 1 == parts.first[volume + 1]
    return volume, torch.where(ends, nbytes, pixel * itemsize), torch.where(ends, 0, extents.length[part] * itemsize)


def _fill_bits(gap: torch.Tensor, parts: RowParts) -> torch.Tensor:
    """Number of bits for `gap` zeros: a literal, matches of 258, and the rest."""
    codes = deflate_codes()
    zeros = (gap - 1).clamp(min=0)
    matches = zeros // LONGEST * codes.longest_bits + (parts.matches[zeros % LONGEST] >> BITS_AT)
    return torch.where(gap > 0, codes.fill_bits + matches, 0)


def _bytes(
    rendered: RenderedBatch, parts: RowParts, source: torch.Tensor, length: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The bytes of R runs, int64 [R, part_bytes], padded with zeros; a mask of the runs' bytes; and their offsets."""
    offset = torch.arange(parts.part_bytes, device=source.device)
    inside = offset < length[:, None]
    byte = rendered.pixels[torch.where(inside, source[:, None] + offset, 0)].long()
    return torch.where(inside, byte, 0), inside, offset


def _put(words: torch.Tensor, position: torch.Tensor, code: torch.Tensor) -> None:
    """Add codes of up to 32 bits at bit positions of a stream of 32-bit words, lowest bit first; 0 adds nothing."""
    shifted = code << (position & 31)
    word = position >> 5
    words.index_add_(0, word.reshape(-1), (shifted & 0xFFFFFFFF).reshape(-1))
    words.index_add_(0, (word + 1).clamp(max=len(words) - 1).reshape(-1), (shifted >> 32).reshape(-1))


# Number of records per Triton program.
_RECORDS = 64


@cache
def triton_kernels() -> Any:
    """The kernels. The first call imports Triton, which then reads `TRITON_INTERPRET`."""
    from heatsvc.encode.cuda import triton_kernels as compiled

    return compiled


@dataclass(frozen=True, slots=True)
class TritonEncoder:
    """Encodes a batch in the same steps as `TorchEncoder`; work on CUDA is queued on the device's current stream."""

    def extents(self, rendered: RenderedBatch, parts: RowParts) -> Extents:
        """The non-zero pixels of each part, with one launch per type of pixels."""
        start = torch.empty(parts.count, dtype=torch.uint8, device=rendered.pixels.device)
        length = torch.empty_like(start)
        for group, first_block, last_block in zip(
            rendered.groups, parts.group_blocks[:-1], parts.group_blocks[1:], strict=True
        ):
            bits = {1: torch.uint8, 2: torch.int16, 4: torch.int32}[group.itemsize]
            triton_kernels().find_extents[(last_block - first_block,)](
                rendered.pixels.view(bits),
                parts.volumes,
                parts.first,
                parts.first_block,
                start,
                length,
                first_block,
                len(parts.volumes),
                itemsize=group.itemsize,
                alignment=common_alignment([shape[-1] for shape in rendered.shapes[group.first : group.last]]),
                part=PART,
                block=BLOCK,
            )
        return Extents(start, length)

    def measure(
        self, rendered: RenderedBatch, parts: RowParts, extents: Extents, index: RecordIndex, *, deflate: bool
    ) -> Records:
        """One launch."""
        codes, count = deflate_codes(), len(parts.volumes)
        volume, source, length, gap, size = (torch.empty_like(index.part) for _ in range(5))
        adler = index.part.new_empty(2, parts.runs if deflate else 0)
        triton_kernels().measure_records[(_programs(parts),)](
            index.part,
            extents.start,
            extents.length,
            parts.first,
            parts.volumes,
            rendered.pixels,
            parts.literals,
            parts.matches,
            volume,
            source,
            length,
            gap,
            size,
            adler,
            count,
            (count - 1).bit_length(),
            parts.runs,
            deflate=deflate,
            fill_bits=codes.fill_bits,
            longest_bits=codes.longest_bits,
            part=PART,
            block=_RECORDS,
        )
        return Records(volume, source, length, gap, size, adler)

    def zstd(
        self, rendered: RenderedBatch, parts: RowParts, records: Records, layout: OutputLayout, size: int
    ) -> torch.Tensor:
        """The chunks, with one launch; bytes between two chunks are undefined."""
        out = torch.empty(size, dtype=torch.uint8, device=rendered.pixels.device)
        triton_kernels().write_zstd[(_programs(parts),)](
            rendered.pixels,
            records.source,
            records.length,
            records.gap,
            layout.position,
            out,
            parts.runs,
            block=_RECORDS,
        )
        return out

    def deflate(
        self, rendered: RenderedBatch, parts: RowParts, records: Records, layout: OutputLayout, size: int
    ) -> torch.Tensor:
        """The chunks, with two launches: for the records, and for each chunk's header and end."""
        codes = deflate_codes()
        words = torch.zeros(size // 4, dtype=torch.int32, device=rendered.pixels.device)
        triton_kernels().write_deflate[(_programs(parts),)](
            rendered.pixels,
            records.source,
            records.length,
            records.gap,
            layout.position,
            parts.literals,
            parts.matches,
            words,
            parts.runs,
            fill_code=codes.fill_code,
            fill_bits=codes.fill_bits,
            longest_bits=codes.longest_bits,
            many=codes.many,
            many_code=codes.many_code,
            block=_RECORDS,
        )
        triton_kernels().write_ends[(len(parts.volumes),)](
            layout.begin,
            layout.nbytes,
            layout.end,
            parts.header,
            words,
            header_bytes=len(codes.header),
            end_code=codes.end_code,
            width=1 << (len(codes.header) - 1).bit_length(),
        )
        return words.view(torch.uint8)


def _programs(parts: RowParts) -> int:
    return -(-parts.runs // _RECORDS)
