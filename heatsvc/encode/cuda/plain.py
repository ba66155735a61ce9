"""Coding in plain torch, on any device: the Triton kernels' twin, a chunk at a time."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from heatsvc.encode.cuda.deflate_codes import BITS_AT, CODE, LONGEST, deflate_codes
from heatsvc.encode.cuda.drawn import Drawn
from heatsvc.encode.cuda.parts import PART, Parts
from heatsvc.encode.cuda.records import ADLER_BASE, ZSTD_BLOCK, Counted, Extents, Places, Records
from heatsvc.render.cuda.tensors import Tensor

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Plain:
    """The steps over a batch, as `batch.Steps` tells them.

    Attributes:
        chunk: so many pixels, bytes or matches at once; what comes out does not depend on it. Up to 100 bytes each.
    """

    chunk: int = CHUNK

    def extents(self, drawn: Drawn, parts: Parts) -> Extents:
        """What of each part is not zero, told by the bits of its pixels."""
        import torch

        start = torch.zeros(parts.count, dtype=torch.uint8, device=drawn.pixels.device)
        length = torch.zeros_like(start)
        lane = torch.arange(PART, dtype=torch.uint8, device=start.device)
        none, beyond = lane.new_zeros(()), lane.new_full((), PART)
        first = 0
        for group in drawn.groups:
            bits = {1: torch.uint8, 2: torch.int16, 4: torch.int32}[group.itemsize]
            for volume in range(group.first, group.last):
                shape, begin = drawn.shapes[volume], drawn.first_bytes[volume]
                if prod(shape):
                    rows = drawn.pixels[begin : begin + prod(shape) * group.itemsize].view(bits).view(-1, shape[-1])
                    in_a_row = -(-shape[-1] // PART)
                    step = max(self.chunk // (in_a_row * PART), 1)
                    for at in range(0, len(rows), step):
                        some = rows[at : at + step]
                        seen = torch.nn.functional.pad(some != 0, (0, in_a_row * PART - shape[-1])).view(-1, PART)
                        left, right = torch.where(seen, lane, beyond).amin(1), torch.where(seen, lane + 1, none).amax(1)
                        start[first : first + len(seen)] = torch.where(right > 0, left, none)
                        length[first : first + len(seen)] = torch.where(right > 0, right - left, none)
                        first += len(seen)
                first += 1
        length[parts.first[1:] - 1] = 1
        return Extents(start, length)

    def measure(self, drawn: Drawn, parts: Parts, extents: Extents, counted: Counted, *, deflate: bool) -> Records:
        """All records, and how long each will be."""
        import torch

        volume, begin, length = _runs(counted.part, parts, extents)
        _, before, before_length = _runs(counted.part.roll(1), parts, extents)
        # The record before is another volume's where this one is a volume's first; at the very first stands the last.
        starts = counted.part.new_ones(len(volume), dtype=torch.bool)
        starts[1:] = volume[1:] != volume[:-1]
        gap = begin - torch.where(starts, 0, before + before_length)
        source = parts.volumes[volume, 0] + begin
        if not deflate:
            size = -(-gap // ZSTD_BLOCK) * 4 + torch.where(length > 0, 3 + length, 0)
            return Records(volume, source, length, gap, size, gap.new_empty(2, 0))
        size, adler = _fill_bits(gap, parts), gap.new_empty(2, len(gap))
        behind = parts.volumes[volume, 4] - begin - length
        step = max(self.chunk // parts.lanes, 1)
        for at in range(0, len(volume), step):
            some = slice(at, at + step)
            byte, inside, lane = _bytes(drawn, parts, source[some], length[some])
            size[some] += torch.where(inside, parts.literals[byte] >> BITS_AT, 0).sum(1)
            # Each byte counts once for itself and for each byte behind it (RFC 1950, 8.2).
            total = byte.sum(1)
            within = (byte * (length[some, None] - lane).clamp(min=0)).sum(1)
            adler[0, some] = total % ADLER_BASE
            adler[1, some] = (behind[some] % ADLER_BASE * total + within) % ADLER_BASE
        return Records(volume, source, length, gap, size, adler)

    def zstd(self, drawn: Drawn, parts: Parts, records: Records, places: Places, size: int) -> Tensor:
        """The chunks, uint8 [size]: of each byte its record is looked up, and where in that it stands."""
        import torch

        out = torch.zeros(size, dtype=torch.uint8, device=drawn.pixels.device)
        # The last record that begins at a byte or before it. What fills a chunk's last word has its end, of no bytes.
        for at in range(0, size, self.chunk):
            byte = torch.arange(at, min(at + self.chunk, size), device=out.device)
            r = torch.searchsorted(places.position, byte, right=True) - 1
            within = byte - places.position[r]
            blocks = -(-records.gap[r] // ZSTD_BLOCK)
            # A block's header is its size, type and a bit for the last one, in three bytes (RFC 8878, 3.1.1.2).
            number, place = within // 4, within % 4
            part = (records.gap[r] - number * ZSTD_BLOCK).clamp(max=ZSTD_BLOCK)
            fill = torch.where(place < 3, (part << 3 | 1 << 1) >> 8 * place.clamp(max=2) & 0xFF, 0)
            place = within - 4 * blocks
            header = (records.length[r] << 3) >> 8 * place.clamp(0, 2) & 0xFF
            source = (records.source[r] + place - 3).clamp(0, len(drawn.pixels) - 1)
            raw = torch.where(place < 3, header, drawn.pixels[source].long())
            coded = torch.where(within < 4 * blocks, fill, raw)
            coded = torch.where(within < records.size[r], coded, 0)
            out[at : at + self.chunk] = coded.to(torch.uint8)
        return out

    def deflate(self, drawn: Drawn, parts: Parts, records: Records, places: Places, size: int) -> Tensor:
        """The chunks, uint8 [size]: codes are added to words in which no other code has their bits."""
        import torch

        codes = deflate_codes()
        words = torch.zeros(size // 4, dtype=torch.int64, device=drawn.pixels.device)
        header = torch.arange(len(parts.header), device=words.device) * 8
        _put(words, places.begin[:, None] * 8 + header, parts.header.long())
        _put(words, places.end, torch.full_like(places.end, codes.end_code))
        # The empty stored block ends in the complement of its length 0; all before that are zeros.
        _put(words, (places.begin + places.nbytes) * 8 - 16, torch.full_like(places.end, 0xFFFF))

        filled = records.gap > 0
        zeros = (records.gap - 1).clamp(min=0)
        position = places.position
        _put(words, position, torch.where(filled, codes.fill_code, 0))
        position = position + torch.where(filled, codes.fill_bits, 0)
        many, many_bits = LONGEST * codes.many, codes.longest_bits * codes.many
        units = zeros // many
        upto = torch.cumsum(units, 0)
        for at in range(0, len(drawn.pixels) // many, self.chunk):
            unit = torch.arange(at, min(at + self.chunk, len(drawn.pixels) // many), device=words.device)
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

        step = max(self.chunk // parts.lanes, 1)
        for at in range(0, len(position), step):
            some = slice(at, at + step)
            byte, inside, _ = _bytes(drawn, parts, records.source[some], records.length[some])
            literal = torch.where(inside, parts.literals[byte].long(), 0)
            bits = literal >> BITS_AT
            _put(words, position[some, None] + bits.cumsum(1) - bits, literal & CODE)
        out = torch.empty(size // 4, 4, dtype=torch.uint8, device=words.device)
        shifts = torch.arange(0, 32, 8, device=words.device)
        for at in range(0, len(out), self.chunk):
            out[at : at + self.chunk] = (words[at : at + self.chunk, None] >> shifts & 0xFF).to(torch.uint8)
        return out.view(-1)


def _runs(part: Tensor, parts: Parts, extents: Extents) -> tuple[Tensor, Tensor, Tensor]:
    """Of each part its volume, and first byte and length in bytes of what is not zero, counted from the volume's."""
    import torch

    volume = torch.searchsorted(parts.first[1:], part, right=True)
    _, width, itemsize, in_a_row, nbytes = parts.volumes[volume].unbind(1)
    pixel = _first_pixel(part - parts.first[volume], width, in_a_row) + extents.start[part]
    ends = part + 1 == parts.first[volume + 1]
    return volume, torch.where(ends, nbytes, pixel * itemsize), torch.where(ends, 0, extents.length[part] * itemsize)


def _first_pixel(part: Tensor, width: Tensor, in_a_row: Tensor) -> Tensor:
    return part // in_a_row * width + part % in_a_row * PART


def _fill_bits(gap: Tensor, parts: Parts) -> Tensor:
    """Bits of so many zeros: a literal, matches of 258, and what is left."""
    import torch

    codes = deflate_codes()
    zeros = (gap - 1).clamp(min=0)
    matches = zeros // LONGEST * codes.longest_bits + (parts.matches[zeros % LONGEST] >> BITS_AT)
    return torch.where(gap > 0, codes.fill_bits + matches, 0)


def _bytes(drawn: Drawn, parts: Parts, source: Tensor, length: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """PixelRuns' bytes, int64 [R, lanes], zeros behind each run's; which of them are the run's; and their numbers."""
    import torch

    lane = torch.arange(parts.lanes, device=source.device)
    inside = lane < length[:, None]
    byte = drawn.pixels[torch.where(inside, source[:, None] + lane, 0)].long()
    return torch.where(inside, byte, 0), inside, lane


def _put(words: Tensor, position: Tensor, code: Tensor) -> None:
    """Add codes of up to 32 bits at bit positions of a stream of 32-bit words, lowest bit first; 0 adds nothing."""
    shifted = code << (position & 31)
    word = position >> 5
    words.index_add_(0, word.reshape(-1), (shifted & 0xFFFFFFFF).reshape(-1))
    words.index_add_(0, (word + 1).clamp(max=len(words) - 1).reshape(-1), (shifted >> 32).reshape(-1))
