"""PackedBatch: a batch of volumes as tables of numbers, which the host makes and from which a device renders.

The geometry (windows, segments, skipped points, persons, mirrored copies, the order of maps) is the same as in the CPU
kernels in `src/render.cpp`. Rows of a table are numbered over the whole batch, so that one launch renders any mix of
volumes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import gcd, prod
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from heatsvc.bounds import Bounds
from heatsvc.kernels import KERNELS
from heatsvc.render.cpu import native_volume
from heatsvc.render.cuda.transfer import PackedArrays
from heatsvc.volume import LARGEST_EXPONENT, HeatmapVolume

if TYPE_CHECKING:
    import torch

# Volumes begin at multiples of this number of pixels, so that rows are as aligned as their width allows.
ALIGNMENT = 16

# Pixels of a block. A map of 64 x 64 keypoint pixels is one block; limb pixels take more work and registers
# each, so their blocks are smaller and more of them are empty.
_KEYPOINT_BLOCK = 4096
_LIMB_BLOCK = 1024

# Up to this many possible primitives, space is allocated for all; above, those that are visible are counted first.
_MAX_UNCOUNTED = 1 << 20

_PRIMITIVE_BYTES = 4 * 4 + 6 * 8
_MAP_BYTES = 8 + 1

_LONGEST_ROW = 128


@dataclass(frozen=True, slots=True)
class BlockShape:
    """The size of a Triton program's block in pixels; both are powers of two."""

    rows: int
    columns: int

    @classmethod
    def of(cls, height: int, width: int, pixels: int) -> BlockShape:
        """A block of at most `pixels` pixels for maps up to `height` x `width`: as wide as the maps, then as high."""
        columns = min(_power_of_two(width), _LONGEST_ROW)
        return cls(min(_power_of_two(height), pixels // columns), columns)

    def before(self, sides: npt.NDArray[np.int64], maps: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """int64 [N + 1]: the blocks before those of each of N volumes of `maps` maps of `sides` [N, 2]; then all."""
        blocks = (-(-sides // np.array([self.rows, self.columns]))).prod(1) * maps
        return np.concatenate((np.zeros(1, np.int64), np.cumsum(blocks)))


@dataclass(frozen=True, slots=True, eq=False)
class DeviceTables:
    """The tables of a `PackedBatch`, with the same names, as tensors on a device."""

    volumes: torch.Tensor
    gaussians: torch.Tensor
    blocks: torch.Tensor
    starts: torch.Tensor
    segments: torch.Tensor
    boxes: torch.Tensor
    numbers: torch.Tensor


@dataclass(frozen=True, slots=True, eq=False)
class PackedBatch:
    """N volumes with G maps in all, and their F primitives: keypoints and limbs of single persons.

    Attributes:
        shapes: shapes of the rendered volumes.
        offsets: the first pixel of each volume in the packed output, multiples of `ALIGNMENT`.
        pixels: length of the packed output.
        window_pixels: the pixels of all primitives' windows; pixels of several windows count more than once.
        keypoint_block, limb_block: the part of a map that a Triton program renders, for maps of keypoints only and
            for maps with limbs.
        volumes: int64 [N, 5], for each volume H, W, the first pixel, the first map, and the first map of those that
            are mirrored in x.
        gaussians: float64 [N, 3], 1 / (2 s**2) in 1 / pixels**2, where s = sigma / stride; the exponent from which on a
            keypoint is cut off, or infinity; and whether persons are summed, 0 or 1.
        plain: whether nothing is cut off or summed in any of the volumes.
        blocks: int64 [2, N + 1], the number of blocks before each volume's: keypoint blocks of volumes that have maps
            of keypoints only, and limb blocks of volumes that have maps with limbs. A volume that has both kinds of
            maps has both kinds of blocks for all its maps.
        starts: int64 [G + 1], each map's first primitive; the next map's first one ends them.
        segments: uint8 [G], 1 for maps with limbs.
        boxes: int32 [F, 4], windows: x from x0 up to, not including, x1; y0, y1 likewise. In pixels of the map, before
            any mirroring.
        numbers: float64 [F, 6], ax, ay, ux, uy, length, peak: a segment from (ax, ay) in direction (ux, uy), which has
            length 1, in pixels, and its score; a keypoint is a segment of length 0.
        tables: the buffer of the arrays, with unused space after the last primitive.
    """

    shapes: tuple[tuple[int, ...], ...]
    offsets: tuple[int, ...]
    pixels: int
    window_pixels: int
    keypoint_block: BlockShape
    limb_block: BlockShape
    volumes: npt.NDArray[np.int64]
    gaussians: npt.NDArray[np.float64]
    plain: bool
    blocks: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    segments: npt.NDArray[np.uint8]
    boxes: npt.NDArray[np.int32]
    numbers: npt.NDArray[np.float64]
    tables: PackedArrays

    def to(self, device: torch.device) -> DeviceTables:
        """The tables on a device; on CUDA queued on the current stream."""
        volumes, gaussians, blocks, starts, segments, boxes, numbers = self.tables.to(device)
        primitives = len(self.boxes)
        return DeviceTables(volumes, gaussians, blocks, starts, segments, boxes[:primitives], numbers[:primitives])


def can_pack(volume: HeatmapVolume) -> bool:
    """Whether a volume can be packed: it is not a PoTion picture, not reduced by argmax, and not a maximum of sums."""
    sums_reduced = volume.gaussian.persons == "sum" and volume.reduce == "max"
    return not volume.potion and volume.reduce != "argmax" and not sums_reduced


def pack_batch(volumes: Sequence[HeatmapVolume], itemsize: int, bounds: Bounds, *, pinned: bool = False) -> PackedBatch:
    """Write the tables of a batch.

    Args:
        volumes: volumes for which `can_pack` is true.
        itemsize: bytes per pixel of the output.
        bounds: limits of the output and the tables, checked before they are allocated.
        pinned: whether to allocate the tables in pinned memory, which a CUDA device reads directly.

    Raises:
        ValueError: a volume cannot be packed.
        LimitError: the output or a table exceeds `max_volume_bytes`, or the work of a map exceeds `max_map_work`.
    """
    for number, volume in enumerate(volumes):
        if not can_pack(volume):
            kind = "a PoTion picture" if volume.potion else f"reduced by {volume.reduce}"
            raise ValueError(f"volumes[{number}] is {kind}: use heatsvc.render.array.render_array")
    count = len(volumes)
    shapes = tuple(volume.shape for volume in volumes)
    offsets = list(accumulate((-(-prod(shape) // ALIGNMENT) * ALIGNMENT for shape in shapes), initial=0))
    first_maps = list(accumulate((prod(shape[:-2]) for shape in shapes), initial=0))
    pixels, all_maps = offsets.pop(), first_maps[-1]
    bounds.check("max_volume_bytes", pixels * itemsize, "bytes of heatmaps")
    bounds.check("max_volume_bytes", all_maps * _MAP_BYTES, "bytes to describe the heatmaps' maps")
    room = sum(volume.keypoint.shape[0] * volume.frames * volume.channels * volume.copies for volume in volumes)
    if room > _MAX_UNCOUNTED:
        room = _count_primitives(volumes)
    bounds.check("max_volume_bytes", room * _PRIMITIVE_BYTES, "bytes to describe the heatmaps' primitives")

    tables = PackedArrays(
        (
            (np.int64, (count, 5)),
            (np.float64, (count, 3)),
            (np.int64, (2, count + 1)),
            (np.int64, (all_maps + 1,)),
            (np.uint8, (all_maps,)),
            (np.int32, (max(room, 1), 4)),
            (np.float64, (max(room, 1), 6)),
        ),
        pinned=pinned,
    )
    table, gaussians, blocks, starts, segments, boxes, numbers = tables.arrays
    primitives, work = 0, 0
    for volume, base in zip(volumes, first_maps[:-1], strict=True):
        primitives, spent, max_map_work = KERNELS.native.primitives(
            native_volume(volume), primitives, base, starts, segments, boxes, numbers
        )
        bounds.check("max_map_work", max_map_work, "pixels of work for one map (persons and channels add up)")
        work += spent
    starts[-1] = primitives

    sides = np.array([shape[-2:] for shape in shapes], np.int64).reshape(-1, 2)
    maps = np.diff(first_maps)
    table[:, :2], table[:, 2], table[:, 3] = sides, offsets, first_maps[:-1]
    table[:, 4] = table[:, 3] + maps // np.array([volume.copies for volume in volumes], np.int64)
    for row, volume in zip(gaussians, volumes, strict=True):
        gaussian = volume.gaussian
        cut = LARGEST_EXPONENT if gaussian.window == "cutoff" else np.inf
        row[:] = 0.5 / (gaussian.sigma / gaussian.stride) ** 2, cut, gaussian.persons == "sum"
    kinds = np.array([_kinds(volume) for volume in volumes], np.int64).reshape(-1, 2)
    height, width = sides.max(0, initial=1).tolist()
    keypoint_block = BlockShape.of(height, width, _KEYPOINT_BLOCK)
    limb_block = BlockShape.of(height, width, _LIMB_BLOCK)
    blocks[0] = keypoint_block.before(sides, maps * kinds[:, 0])
    blocks[1] = limb_block.before(sides, maps * kinds[:, 1])
    return PackedBatch(
        shapes=shapes,
        offsets=tuple(offsets),
        pixels=pixels,
        window_pixels=work,
        keypoint_block=keypoint_block,
        limb_block=limb_block,
        volumes=table,
        gaussians=gaussians,
        plain=bool(np.isinf(gaussians[:, 1]).all() and not gaussians[:, 2].any()),
        blocks=blocks,
        starts=starts,
        segments=segments,
        boxes=boxes[:primitives],
        numbers=numbers[:primitives],
        tables=tables,
    )


def common_alignment(widths: Sequence[int]) -> int:
    """The largest power of two, up to `ALIGNMENT`, that divides all widths, in pixels."""
    return gcd(ALIGNMENT, *widths)


def _kinds(volume: HeatmapVolume) -> tuple[bool, bool]:
    """Whether it has maps of keypoints only, and maps with limbs."""
    limbs = len(volume.limbs) > 0
    return volume.with_kp and not (limbs and volume.reduce != "none"), limbs


def _count_primitives(volumes: Sequence[HeatmapVolume]) -> int:
    count = 0
    nothing = np.empty(0, np.int64), np.empty(0, np.uint8), np.empty((0, 4), np.int32), np.empty((0, 6))
    for volume in volumes:
        count, _, _ = KERNELS.native.primitives(native_volume(volume), count, 0, *nothing)
    return count


def _power_of_two(side: int) -> int:
    return 1 << max(side - 1, 0).bit_length()
