"""RenderedBatch: volumes rendered on a device into one buffer, and RowParts: their rows, cut for encoding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from math import prod

import numpy as np
import torch

from heatsvc.bounds import Bounds
from heatsvc.encode.cuda.deflate_codes import deflate_codes
from heatsvc.encode.job import PlannedVolume
from heatsvc.render.cuda.packed_batch import PackedBatch, pack_batch
from heatsvc.render.cuda.transfer import PackedArrays

# Bytes. Multiples of it are multiples of `packed_batch.ALIGNMENT` pixels of any type.
_ALIGNMENT = 16 * 4
_ITEMSIZE = {"float32": 4, "float16": 2, "uint8": 1}

# Pixels. Zeros between two primitives in one part are written as pixels (on the CPU only if they are less than eight
# bytes); a primitive that crosses the border of two parts takes one more block.
PART = 32
# Parts that one program of the Triton kernel reads: about 4,096 pixels.
BLOCK = 128

# Bytes of device memory per part and per run while encoding.
_PART_BYTES = 12
_RUN_BYTES = 120


@dataclass(frozen=True, slots=True)
class Group:
    """Volumes `first` up to, not including, `last` of a batch, which all have `itemsize` bytes per pixel."""

    first: int
    last: int
    itemsize: int


@dataclass(frozen=True, slots=True, eq=False)
class RenderedBatch:
    """N volumes on a device; volumes of one type are adjacent.

    Attributes:
        pixels: uint8, the bytes of all volumes; bytes between two volumes are undefined.
        first_bytes: the start of each volume in `pixels`, a multiple of `packed_batch.ALIGNMENT` pixels.
        shapes: the shape of each volume.
        groups: groups of volumes, which cover all volumes in order.
        window_rows: upper bound of the number of rows of all windows; rows that overlap count more than once.
        window_pixels: the number of pixels of all windows, likewise.
    """

    pixels: torch.Tensor
    first_bytes: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]
    groups: tuple[Group, ...]
    window_rows: int
    window_pixels: int


def render_together(
    volumes: Sequence[PlannedVolume],
    render: Callable[[PackedBatch, torch.Tensor], None],
    device: torch.device,
    bounds: Bounds,
) -> RenderedBatch:
    """Render volumes into one buffer.

    Args:
        volumes: the volumes; those of one type must be adjacent.
        render: a function of `heatsvc.render.cuda.renderers`.
        device: the device.
        bounds: `max_volume_bytes` limits all volumes together.

    Raises:
        LimitError: raised by `pack_batch`.
    """
    groups: list[Group] = []
    batches: list[tuple[PackedBatch, torch.dtype]] = []
    first_bytes: list[int] = []
    ends = [0]
    for dtype, members in groupby(volumes, key=lambda planned: planned.dtype):
        described, itemsize = [planned.volume for planned in members], _ITEMSIZE[dtype]
        batch = pack_batch(described, itemsize, bounds, pinned=device.type == "cuda")
        groups.append(Group(len(first_bytes), len(first_bytes) + len(described), itemsize))
        batches.append((batch, getattr(torch, dtype)))
        first_bytes += [ends[-1] + offset * itemsize for offset in batch.offsets]
        ends.append(ends[-1] + -(-batch.pixels * itemsize // _ALIGNMENT) * _ALIGNMENT)
        bounds.check("max_volume_bytes", ends[-1], "bytes of heatmaps")
    # A whole number of elements of any type, and at least one byte that kernels may read.
    pixels = torch.empty(max(ends[-1], 16), dtype=torch.uint8, device=device)
    for (batch, pixel_type), group, begin in zip(batches, groups, ends[:-1], strict=True):
        render(batch, pixels[begin : begin + batch.pixels * group.itemsize].view(pixel_type))
    return RenderedBatch(
        pixels,
        tuple(first_bytes),
        tuple(planned.shape for planned in volumes),
        tuple(groups),
        window_rows=sum(int((batch.boxes[:, 3] - batch.boxes[:, 2]).sum()) for batch, _ in batches),
        window_pixels=sum(batch.window_pixels for batch, _ in batches),
    )


@dataclass(frozen=True, slots=True, eq=False)
class RowParts:
    """The parts of all rows of N volumes, each of at most `PART` pixels and one run. Tensors are on the device.

    An empty part after the parts of each volume marks its end.

    Attributes:
        count: number of all parts.
        runs: upper bound of the number of runs; the end of a volume counts as one.
        part_bytes: maximum size of a part in bytes.
        group_blocks: the index of the first block of each group, then the number of all blocks. A Triton program reads
            a block, which has up to `BLOCK` parts of one volume.
        volumes: int64 [N, 5], for each volume its first byte in the rendered batch, W, bytes per pixel, parts per row,
            and its size in bytes.
        first: int64 [N + 1], the index of the first part of each volume, then the number of all parts.
        first_block: int64 [N + 1], the same for blocks.
        literals, matches, header: codes of deflate, see `DeflateCodes`.
    """

    count: int
    runs: int
    part_bytes: int
    group_blocks: tuple[int, ...]
    volumes: torch.Tensor
    first: torch.Tensor
    first_block: torch.Tensor
    literals: torch.Tensor
    matches: torch.Tensor
    header: torch.Tensor


def cut_rows(volumes: Sequence[PlannedVolume], rendered: RenderedBatch, bounds: Bounds) -> RowParts:
    """Cut the rows of rendered volumes into parts.

    Raises:
        LimitError: the device's table of parts or of runs would exceed `max_volume_bytes`.
    """
    device = rendered.pixels.device
    rows = [prod(planned.shape[:-1]) for planned in volumes]
    widths = [planned.shape[-1] for planned in volumes]
    per_row = [max(-(-width // PART), 1) for width in widths]
    first = list(accumulate((a * b + 1 for a, b in zip(rows, per_row, strict=True)), initial=0))
    first_block = list(accumulate((-(-(a * b + 1) // BLOCK) for a, b in zip(rows, per_row, strict=True)), initial=0))
    count = first[-1]
    # A row of a window touches two parts, and one more for each `PART` pixels that it is longer than two.
    runs = min(count, 2 * rendered.window_rows + rendered.window_pixels // PART + len(volumes))
    bounds.check("max_volume_bytes", count * _PART_BYTES, "bytes to describe the heatmaps' rows")
    bounds.check("max_volume_bytes", runs * _RUN_BYTES, "bytes to describe the heatmaps' runs")
    deflate = deflate_codes()
    tables = PackedArrays(
        (
            (np.int64, (len(volumes), 5)),
            (np.int64, (len(volumes) + 1,)),
            (np.int64, (len(volumes) + 1,)),
            (np.int32, deflate.literals.shape),
            (np.int32, deflate.matches.shape),
            (np.int32, deflate.header.shape),
        ),
        pinned=device.type == "cuda",
    )
    sizes = [planned.nbytes for planned in volumes]
    itemsizes = [planned.itemsize for planned in volumes]
    tables.arrays[0].T[:] = rendered.first_bytes, widths, itemsizes, per_row, sizes
    for array, values in zip(
        tables.arrays[1:], (first, first_block, deflate.literals, deflate.matches, deflate.header), strict=True
    ):
        array[:] = values
    return RowParts(
        count,
        runs,
        PART * max(itemsizes, default=1),
        (*(first_block[group.first] for group in rendered.groups), first_block[-1]),
        *tables.to(device),
    )
