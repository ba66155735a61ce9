"""Drawn: a batch's volumes, drawn on a device into one stretch of bytes, whatever their types."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from heatsvc.bounds import Bounds
from heatsvc.encode.planned import PlannedVolume
from heatsvc.render.cuda.pack import Pack, pack
from heatsvc.render.cuda.tensors import Device, DType, Tensor

# Bytes: at such a place volumes of any type stand at multiples of `pack.ALIGNMENT` pixels.
_ALIGNMENT = 16 * 4
_ITEMSIZE = {"float32": 4, "float16": 2, "uint8": 1}


@dataclass(frozen=True, slots=True)
class Group:
    """Volumes `first` up to `last` of a batch, which are of one type of so many bytes a pixel."""

    first: int
    last: int
    itemsize: int


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """N volumes, of which those of one type stand together.

    Attributes:
        pixels: uint8, all volumes' bytes; what lies between two volumes is anything.
        first_bytes: where each of them begins in it, multiples of `pack.ALIGNMENT` pixels.
        shapes: of each.
        groups: they cover all volumes in order.
        window_rows: upper bound of the rows of all windows, those that share pixels too.
        window_pixels: the pixels of all windows, likewise.
    """

    pixels: Tensor
    first_bytes: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]
    groups: tuple[Group, ...]
    window_rows: int
    window_pixels: int


def draw_together(
    volumes: Sequence[PlannedVolume], draw: Callable[[Pack, Tensor], None], device: Device, bounds: Bounds
) -> Drawn:
    """Draw volumes of which those of one type stand together.

    Raises:
        LimitError: as `pack`; `max_volume_bytes` is for all of them.
    """
    import torch

    groups: list[Group] = []
    packs: list[tuple[Pack, DType]] = []
    first_bytes: list[int] = []
    ends = [0]
    for dtype, members in groupby(volumes, key=lambda planned: planned.dtype):
        described, itemsize = [planned.volume for planned in members], _ITEMSIZE[dtype]
        packed = pack(described, itemsize, bounds, pinned=device.type == "cuda")
        groups.append(Group(len(first_bytes), len(first_bytes) + len(described), itemsize))
        packs.append((packed, getattr(torch, dtype)))
        first_bytes += [ends[-1] + offset * itemsize for offset in packed.offsets]
        ends.append(ends[-1] + -(-packed.pixels * itemsize // _ALIGNMENT) * _ALIGNMENT)
        bounds.check("max_volume_bytes", ends[-1], "bytes of heatmaps")
    # Of whole numbers of any type, and never without a byte that could be looked at.
    pixels = torch.empty(max(ends[-1], 16), dtype=torch.uint8, device=device)
    for (packed, dtype), group, begin in zip(packs, groups, ends[:-1], strict=True):
        draw(packed, pixels[begin : begin + packed.pixels * group.itemsize].view(dtype))
    return Drawn(
        pixels,
        tuple(first_bytes),
        tuple(planned.shape for planned in volumes),
        tuple(groups),
        window_rows=sum(int((packed.boxes[:, 3] - packed.boxes[:, 2]).sum()) for packed, _ in packs),
        window_pixels=sum(packed.window_pixels for packed, _ in packs),
    )
