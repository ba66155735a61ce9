"""Drawing with Triton: the launches of its kernels, one for each kind of map."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from heatsvc.draw.cpu import kernels
from heatsvc.draw.gpu.pack import ALIGNMENT, Pack
from heatsvc.draw.gpu.tensors import Device, DType, Tensor
from heatsvc.draw.gpu.transfer import transfer

# Pixels of a tile. A map of 64 x 64 keypoint pixels is one tile; those of limbs, which take more work and more
# registers a pixel, are smaller, so that more of them have nothing to do.
_KEYPOINT_TILE = 4096
_SEGMENT_TILE = 1024
_LONGEST_ROW = 128

_PROGRAM_BYTES = 3 * 4


@cache
def triton_kernels() -> Any:
    """The kernels. The first call imports Triton, which reads `TRITON_INTERPRET` then."""
    from heatsvc.draw.gpu import triton_kernels as compiled

    return compiled


def draws_on(device: Device) -> bool:
    """Whether the kernels can draw there: on a CUDA device, or where Triton interprets on the CPU."""
    import triton

    compiled = isinstance(triton_kernels().draw_keypoints, triton.JITFunction)
    return bool(device.type == "cuda") if compiled else bool(device.type == "cpu")


def draw_fused(batch: Pack, dtype: DType, device: Device) -> Tensor:
    """The packed output, [pixels], of a dtype that `draw_batch` has; padding between volumes is left as it is.

    Queued on the device's current stream, with nothing waited for.

    Raises:
        LimitError: as `_programs`.
    """
    import torch

    out = torch.empty(batch.pixels, dtype=dtype, device=device)
    cut = 0.5 * kernels().LIMB_REACH ** 2
    launches = [
        launch
        for launch in (
            _Launch(triton_kernels().draw_keypoints, (), *_tile(batch, _KEYPOINT_TILE), ~batch.segments),
            _Launch(triton_kernels().draw_segments, (cut,), *_tile(batch, _SEGMENT_TILE), batch.segments),
        )
        if launch.maps.any()
    ]
    if not launches:
        return out
    tables = (batch.volumes, batch.scales, batch.starts, batch.boxes, batch.numbers)
    there = transfer((*tables, *(_programs(batch, launch) for launch in launches)), device)
    alignment = _common_alignment(batch)
    with _current(device):
        for launch, programs in zip(launches, there[len(tables) :], strict=True):
            launch.kernel[(len(programs),)](
                programs,
                *there[: len(tables)],
                out,
                *launch.arguments,
                rows=launch.rows,
                columns=launch.columns,
                alignment=alignment,
            )
    return out


@dataclass(frozen=True, slots=True, eq=False)
class _Launch:
    """A kernel, its own arguments, the rows and columns of its tiles, and the maps that it draws, bool [G]."""

    kernel: Any
    arguments: tuple[float, ...]
    rows: int
    columns: int
    maps: npt.NDArray[np.bool_]


def _tile(batch: Pack, pixels: int) -> tuple[int, int]:
    """Rows and columns of a tile of so many pixels, powers of two: as wide as the widest map, then as high."""
    height, width = (int(batch.volumes[:, side].max(initial=1)) for side in (0, 1))
    columns = min(_power_of_two(width), _LONGEST_ROW)
    return min(_power_of_two(height), pixels // columns), columns


def _programs(batch: Pack, launch: _Launch) -> npt.NDArray[np.int32]:
    """int32 [P, 3]: the tiles of a launch's maps, each as its map, its volume, and its number among the map's tiles.

    Raises:
        LimitError: they would be larger than `max_volume_bytes`, as they may be for many thin maps beside a wide one.
    """
    maps = np.flatnonzero(launch.maps)
    volume = batch.volume_of[maps]
    tiles = (-(-batch.volumes[:, 0] // launch.rows) * -(-batch.volumes[:, 1] // launch.columns))[volume]
    count = int(tiles.sum())
    batch.bounds.check("max_volume_bytes", count * _PROGRAM_BYTES, "bytes to describe the heatmaps' tiles")
    programs = np.zeros((count, 3), np.int32)
    if count == len(maps):
        programs[:, 0], programs[:, 1] = maps, volume
    else:
        programs[:, 0], programs[:, 1] = np.repeat(maps, tiles), np.repeat(volume, tiles)
        programs[:, 2] = np.arange(count) - np.repeat(np.cumsum(tiles) - tiles, tiles)
    return programs


def _common_alignment(batch: Pack) -> int:
    """The largest power of two, up to `ALIGNMENT`, that divides the widths of all maps."""
    together = int(np.bitwise_or.reduce(batch.volumes[:, 1])) | ALIGNMENT
    return together & -together


def _power_of_two(side: int) -> int:
    return 1 << (side - 1).bit_length()


def _current(device: Device) -> Any:
    """Makes a device the current one for a while: Triton launches on that."""
    import torch

    return torch.cuda.device(device if device.type == "cuda" else -1)
