"""Coding with Triton: the launches of its kernels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from heatsvc.encode.cuda.deflate_codes import deflate_codes
from heatsvc.encode.cuda.drawn import Drawn
from heatsvc.encode.cuda.parts import BLOCK, PART, Parts
from heatsvc.encode.cuda.records import Counted, Extents, Places, Records
from heatsvc.render.cuda.pack import common_alignment
from heatsvc.render.cuda.tensors import Tensor

# Records of a program.
_RECORDS = 64


@cache
def triton_kernels() -> Any:
    """The kernels. The first call imports Triton, which reads `TRITON_INTERPRET` then."""
    from heatsvc.encode.cuda import triton_kernels as compiled

    return compiled


@dataclass(frozen=True, slots=True)
class Fused:
    """The steps over a batch, as `batch.Steps` tells them; on CUDA queued on the current stream of its device."""

    def extents(self, drawn: Drawn, parts: Parts) -> Extents:
        """One launch for each type of pixels."""
        import torch

        start = torch.empty(parts.count, dtype=torch.uint8, device=drawn.pixels.device)
        length = torch.empty_like(start)
        for group, first_block, last_block in zip(
            drawn.groups, parts.group_blocks[:-1], parts.group_blocks[1:], strict=True
        ):
            bits = {1: torch.uint8, 2: torch.int16, 4: torch.int32}[group.itemsize]
            triton_kernels().find_extents[(last_block - first_block,)](
                drawn.pixels.view(bits),
                parts.volumes,
                parts.first,
                parts.first_block,
                start,
                length,
                first_block,
                len(parts.volumes),
                itemsize=group.itemsize,
                alignment=common_alignment([shape[-1] for shape in drawn.shapes[group.first : group.last]]),
                part=PART,
                block=BLOCK,
            )
        return Extents(start, length)

    def measure(self, drawn: Drawn, parts: Parts, extents: Extents, counted: Counted, *, deflate: bool) -> Records:
        """One launch."""
        import torch

        codes, count = deflate_codes(), len(parts.volumes)
        volume, source, length, gap, size = (torch.empty_like(counted.part) for _ in range(5))
        adler = counted.part.new_empty(2, parts.runs if deflate else 0)
        triton_kernels().measure_records[(_programs(parts),)](
            counted.part,
            extents.start,
            extents.length,
            parts.first,
            parts.volumes,
            drawn.pixels,
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

    def zstd(self, drawn: Drawn, parts: Parts, records: Records, places: Places, size: int) -> Tensor:
        """One launch; what lies between two chunks is anything."""
        import torch

        out = torch.empty(size, dtype=torch.uint8, device=drawn.pixels.device)
        triton_kernels().write_zstd[(_programs(parts),)](
            drawn.pixels, records.source, records.length, records.gap, places.position, out, parts.runs, block=_RECORDS
        )
        return out

    def deflate(self, drawn: Drawn, parts: Parts, records: Records, places: Places, size: int) -> Tensor:
        """Two launches: what the records become, and each chunk's head and end."""
        import torch

        codes = deflate_codes()
        words = torch.zeros(size // 4, dtype=torch.int32, device=drawn.pixels.device)
        triton_kernels().write_deflate[(_programs(parts),)](
            drawn.pixels,
            records.source,
            records.length,
            records.gap,
            places.position,
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
            places.begin,
            places.nbytes,
            places.end,
            parts.header,
            words,
            header_bytes=len(codes.header),
            end_code=codes.end_code,
            lanes=1 << (len(codes.header) - 1).bit_length(),
        )
        return words.view(torch.uint8)


def _programs(parts: Parts) -> int:
    return -(-parts.runs // _RECORDS)
