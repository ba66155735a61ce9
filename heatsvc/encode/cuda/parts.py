"""Parts: the rows of a batch's maps, cut into stretches of few pixels, each of which becomes at most one run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import prod

import numpy as np

from heatsvc.bounds import Bounds
from heatsvc.encode.cuda.deflate_codes import deflate_codes
from heatsvc.encode.cuda.drawn import Drawn
from heatsvc.encode.planned import PlannedVolume
from heatsvc.render.cuda.tensors import Tensor
from heatsvc.render.cuda.transfer import Tables

# Pixels. Zeros between two figures in one part are written out, as on the CPU fewer than eight bytes of them are; a
# figure that stands across the border of two parts takes one block more.
PART = 32
# Parts that one program of the Triton kernel looks at: about 4,096 pixels.
BLOCK = 128

# What a device holds of each part and of each run while it codes.
_PART_BYTES = 12
_RUN_BYTES = 120


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """N volumes' parts, and behind those of each volume one of no pixels, its end. Tensors are on the device.

    Attributes:
        count: of all parts.
        runs: an upper bound of the runs, an end counted as one.
        lanes: the most bytes of a part.
        group_blocks: a program of Triton looks at a block, up to `BLOCK` parts of one volume: the blocks before those
            of each group of one type, and all at the end.
        volumes: int64 [N, 5], for each volume its first byte among the drawn ones, W, bytes a pixel, parts in a row,
            and its bytes.
        first: int64 [N + 1], the parts before those of each volume, and all at the end.
        first_block: int64 [N + 1], the blocks likewise.
        literals, matches, header: deflate's codes, see `deflate_codes.Codes`.
    """

    count: int
    runs: int
    lanes: int
    group_blocks: tuple[int, ...]
    volumes: Tensor
    first: Tensor
    first_block: Tensor
    literals: Tensor
    matches: Tensor
    header: Tensor


def cut(volumes: Sequence[PlannedVolume], drawn: Drawn, bounds: Bounds) -> Parts:
    """Cut volumes' rows.

    Raises:
        LimitError: what the device would have to hold of the parts or of the runs is more than `max_volume_bytes`.
    """
    device = drawn.pixels.device
    rows = [prod(planned.shape[:-1]) for planned in volumes]
    widths = [planned.shape[-1] for planned in volumes]
    in_a_row = [max(-(-width // PART), 1) for width in widths]
    first = list(accumulate((a * b + 1 for a, b in zip(rows, in_a_row, strict=True)), initial=0))
    first_block = list(accumulate((-(-(a * b + 1) // BLOCK) for a, b in zip(rows, in_a_row, strict=True)), initial=0))
    count = first[-1]
    # A row of a window touches two parts, and one more for each `PART` pixels that it is longer than two.
    runs = min(count, 2 * drawn.window_rows + drawn.window_pixels // PART + len(volumes))
    bounds.check("max_volume_bytes", count * _PART_BYTES, "bytes to describe the heatmaps' rows")
    bounds.check("max_volume_bytes", runs * _RUN_BYTES, "bytes to describe the heatmaps' runs")
    deflate = deflate_codes()
    tables = Tables(
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
    tables.arrays[0].T[:] = drawn.first_bytes, widths, itemsizes, in_a_row, sizes
    for array, values in zip(
        tables.arrays[1:], (first, first_block, deflate.literals, deflate.matches, deflate.header), strict=True
    ):
        array[:] = values
    return Parts(
        count,
        runs,
        PART * max(itemsizes, default=1),
        (*(first_block[group.first] for group in drawn.groups), first_block[-1]),
        *tables.to(device),
    )
