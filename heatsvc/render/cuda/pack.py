"""A batch of volumes as tables of numbers: what a device needs to draw all of them, made once, on the host.

The geometry (windows, segments, what is skipped, persons, mirrored copies, the order of maps) is that of the CPU's
kernel `kernels.primitives`. A table's rows are counted over the whole batch, so that one launch renders any mix of
volumes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import gcd, prod

import numpy as np
import numpy.typing as npt

from heatsvc.bounds import Bounds
from heatsvc.render.cpu import arguments, kernels
from heatsvc.render.cuda.block_shape import BlockShape
from heatsvc.render.cuda.tensors import Device, Tensor
from heatsvc.render.cuda.transfer import Tables
from heatsvc.volume import HeatmapVolume

# Volumes begin at multiples of so many pixels: rows of pixels are then as aligned as their width lets them be.
ALIGNMENT = 16

# Pixels of a block. A map of 64 x 64 keypoint pixels is one block; those of limbs, which take more work and more
# registers a pixel, are smaller, so that more of them have nothing to do.
_KEYPOINT_BLOCK = 4096
_LIMB_BLOCK = 1024

# Up to so many figures there is room for all that there could be; of more the loops first count those there are.
_UNCOUNTED = 1 << 20

_FIGURE_BYTES = 4 * 4 + 6 * 8
_MAP_BYTES = 8 + 1


@dataclass(frozen=True, slots=True, eq=False)
class OnDevice:
    """The tables of a pack, of the same names, as tensors on a device."""

    volumes: Tensor
    scales: Tensor
    blocks: Tensor
    starts: Tensor
    segments: Tensor
    boxes: Tensor
    numbers: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Pack:
    """N volumes of G maps in all, which are drawn from F figures: keypoints and limbs of single persons.

    Attributes:
        shapes: the drawn volumes' shapes.
        offsets: the first pixel of each volume in the packed output, multiples of `ALIGNMENT`.
        pixels: length of the packed output.
        window_pixels: the pixels of all figures' windows, those that share a pixel too.
        keypoint_block, limb_block: what a Triton program draws of a map of keypoints only, and of one with limbs.
        volumes: int64 [N, 5], for each volume H, W, the first pixel, the first map, and the first map of those that
            are mirrored in x.
        scales: float64 [N], 1 / (2 sigma**2), in 1 / pixels**2.
        blocks: int64 [2, N + 1], the number of blocks before each volume's: keypoint blocks of volumes that have maps
            of keypoints only, and limb blocks of volumes that have maps with limbs. A volume that has both kinds of
            maps has both kinds of blocks for all its maps.
        starts: int64 [G + 1], each map's first figure; the next map's first one ends them.
        segments: uint8 [G], 1 for maps with limbs.
        boxes: int32 [F, 4], windows: x from x0 up to, not including, x1; y0, y1 likewise. In pixels of the map, before
            any mirroring.
        numbers: float64 [F, 6], ax, ay, ux, uy, length, peak: a segment from (ax, ay) in direction (ux, uy), which has
            length 1, in pixels, and what it is worth; a keypoint is a segment of length 0.
        tables: what the arrays lie in, with some room behind the last figure.
    """

    shapes: tuple[tuple[int, ...], ...]
    offsets: tuple[int, ...]
    pixels: int
    window_pixels: int
    keypoint_block: BlockShape
    limb_block: BlockShape
    volumes: npt.NDArray[np.int64]
    scales: npt.NDArray[np.float64]
    blocks: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    segments: npt.NDArray[np.uint8]
    boxes: npt.NDArray[np.int32]
    numbers: npt.NDArray[np.float64]
    tables: Tables

    def to(self, device: Device) -> OnDevice:
        """The tables on a device; on CUDA queued on the current stream."""
        volumes, scales, blocks, starts, segments, boxes, numbers = self.tables.to(device)
        figures = len(self.boxes)
        return OnDevice(volumes, scales, blocks, starts, segments, boxes[:figures], numbers[:figures])


def pack(volumes: Sequence[HeatmapVolume], itemsize: int, bounds: Bounds, *, pinned: bool = False) -> Pack:
    """Describe a batch.

    Args:
        volumes: of reduction `none` or `max`, and no PoTion pictures.
        itemsize: bytes a pixel of the output will have.
        bounds: what the output and the tables are held to before they are allocated.
        pinned: whether the tables lie in pinned memory, which a CUDA device reads by itself.

    Raises:
        ValueError: a volume of another kind.
        LimitError: output, or tables, of more than `max_volume_bytes`, or a map of more work than `max_map_work`.
    """
    for number, volume in enumerate(volumes):
        if volume.potion or volume.reduce == "argmax":
            kind = "a PoTion picture" if volume.potion else "reduced by argmax"
            raise ValueError(
                f"volumes[{number}] is {kind}: only the CPU draws those (heatsvc.render.array.render_array)"
            )
    count = len(volumes)
    shapes = tuple(volume.shape for volume in volumes)
    offsets = list(accumulate((-(-prod(shape) // ALIGNMENT) * ALIGNMENT for shape in shapes), initial=0))
    first_maps = list(accumulate((prod(shape[:-2]) for shape in shapes), initial=0))
    pixels, all_maps = offsets.pop(), first_maps[-1]
    bounds.check("max_volume_bytes", pixels * itemsize, "bytes of heatmaps")
    bounds.check("max_volume_bytes", all_maps * _MAP_BYTES, "bytes to describe the heatmaps' maps")
    room = sum(_most_figures(volume) for volume in volumes)
    if room > _UNCOUNTED:
        room = _count(volumes)
    bounds.check("max_volume_bytes", room * _FIGURE_BYTES, "bytes to describe the heatmaps' figures")

    tables = Tables(
        (
            (np.int64, (count, 5)),
            (np.float64, (count,)),
            (np.int64, (2, count + 1)),
            (np.int64, (all_maps + 1,)),
            (np.uint8, (all_maps,)),
            (np.int32, (max(room, 1), 4)),
            (np.float64, (max(room, 1), 6)),
        ),
        pinned=pinned,
    )
    table, scales, blocks, starts, segments, boxes, numbers = tables.arrays
    figures, work = 0, 0
    write_figures = kernels().primitives
    for volume, base in zip(volumes, first_maps[:-1], strict=True):
        figures, spent, heaviest = write_figures(*arguments(volume), figures, base, starts, segments, boxes, numbers)
        bounds.check("max_map_work", heaviest, "pixels of work for one map (persons and channels add up)")
        work += spent
    starts[-1] = figures

    sides = np.array([shape[-2:] for shape in shapes], np.int64).reshape(-1, 2)
    maps = np.diff(first_maps)
    table[:, :2], table[:, 2], table[:, 3] = sides, offsets, first_maps[:-1]
    table[:, 4] = table[:, 3] + maps // np.array([volume.copies for volume in volumes], np.int64)
    scales[:] = 0.5 / np.array([volume.sigma for volume in volumes], np.float64) ** 2
    kinds = np.array([_kinds(volume) for volume in volumes], np.int64).reshape(-1, 2)
    height, width = sides.max(0, initial=1).tolist()
    keypoint_block = BlockShape.of(height, width, _KEYPOINT_BLOCK)
    limb_block = BlockShape.of(height, width, _LIMB_BLOCK)
    blocks[0] = keypoint_block.before(sides, maps * kinds[:, 0])
    blocks[1] = limb_block.before(sides, maps * kinds[:, 1])
    return Pack(
        shapes=shapes,
        offsets=tuple(offsets),
        pixels=pixels,
        window_pixels=work,
        keypoint_block=keypoint_block,
        limb_block=limb_block,
        volumes=table,
        scales=scales,
        blocks=blocks,
        starts=starts,
        segments=segments,
        boxes=boxes[:figures],
        numbers=numbers[:figures],
        tables=tables,
    )


def common_alignment(widths: Sequence[int]) -> int:
    """The largest power of two, up to `ALIGNMENT`, that divides all widths, in pixels."""
    return gcd(ALIGNMENT, *widths)


def _kinds(volume: HeatmapVolume) -> tuple[bool, bool]:
    """Whether it has maps of keypoints only, and maps with limbs."""
    limbs = len(volume.limbs) > 0
    return volume.with_kp and not (limbs and volume.reduce != "none"), limbs


def _most_figures(volume: HeatmapVolume) -> int:
    return int(volume.keypoint.shape[0]) * volume.frames * volume.channels * volume.copies


def _count(volumes: Sequence[HeatmapVolume]) -> int:
    """How many figures there are to draw."""
    count = 0
    nothing = np.empty(0, np.int64), np.empty(0, np.uint8), np.empty((0, 4), np.int32), np.empty((0, 6))
    for volume in volumes:
        count, _, _ = kernels().primitives(*arguments(volume), count, 0, *nothing)
    return count
