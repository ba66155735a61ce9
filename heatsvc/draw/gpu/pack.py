"""A batch of volumes as tables of numbers: what a device needs to draw all of them, made once, on the host.

The geometry (windows, segments, what is skipped, persons, mirrored copies, the order of maps) is that of the CPU's
loops, `kernels.figures`. A table's rows are counted over the whole batch, so that one launch draws any mix of volumes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from heatsvc.bounds import Bounds
from heatsvc.draw.cpu import arguments, kernels
from heatsvc.volume import HeatmapVolume

# Volumes begin at multiples of so many pixels: rows of pixels are then as aligned as their width lets them be.
ALIGNMENT = 16

# Up to so many figures there is room for all that there could be; of more the loops first count those there are.
_UNCOUNTED = 1 << 20

_FIGURE_BYTES = 4 * 4 + 6 * 8
_MAP_BYTES = 8 + 1 + 4


@dataclass(frozen=True, slots=True, eq=False)
class Pack:
    """N volumes of G maps in all, which are drawn from F figures: keypoints and limbs of single persons.

    Attributes:
        shapes: the drawn volumes' shapes.
        offsets: the first pixel of each volume in the packed output, multiples of `ALIGNMENT`.
        pixels: length of the packed output.
        window_pixels: the pixels of all figures' windows, those that share a pixel too.
        volumes: int64 [N, 5], for each volume H, W, the first pixel, the first map, and the first map of those that
            are mirrored in x.
        scales: float64 [N], 1 / (2 sigma**2), in 1 / pixels**2.
        volume_of: int32 [G], each map's volume.
        starts: int64 [G + 1], each map's first figure; the next map's first one ends them.
        segments: bool [G], which maps may hold limbs.
        boxes: int32 [F, 4], windows: x from x0 up to, not including, x1; y0, y1 likewise. In pixels of the map, before
            any mirroring.
        numbers: float64 [F, 6], ax, ay, ux, uy, length, peak: a segment from (ax, ay) in direction (ux, uy), which has
            length 1, in pixels, and what it is worth; a keypoint is a segment of length 0.
        bounds: what whatever is made of these tables is held to as well.
    """

    shapes: tuple[tuple[int, ...], ...]
    offsets: tuple[int, ...]
    pixels: int
    window_pixels: int
    volumes: npt.NDArray[np.int64]
    scales: npt.NDArray[np.float64]
    volume_of: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int64]
    segments: npt.NDArray[np.bool_]
    boxes: npt.NDArray[np.int32]
    numbers: npt.NDArray[np.float64]
    bounds: Bounds


def pack(volumes: Sequence[HeatmapVolume], itemsize: int, bounds: Bounds) -> Pack:
    """Describe a batch.

    Args:
        volumes: of reduction `none` or `max`, and no PoTion pictures.
        itemsize: bytes a pixel of the output will have.
        bounds: what the output and the tables are held to before they are allocated.

    Raises:
        ValueError: a volume of another kind.
        LimitError: output, or tables, of more than `max_volume_bytes`, or a map of more work than `max_map_work`.
    """
    for number, volume in enumerate(volumes):
        if volume.potion or volume.reduce == "argmax":
            kind = "a PoTion picture" if volume.potion else "reduced by argmax"
            raise ValueError(f"volumes[{number}] is {kind}: only the CPU draws those (heatsvc.draw.array.draw_array)")
    maps = [volume.maps for volume in volumes]
    offsets, pixels = [], 0
    for volume, count in zip(volumes, maps, strict=True):
        offsets.append(pixels)
        pixels += -(-count * volume.height * volume.width // ALIGNMENT) * ALIGNMENT
    bounds.check("max_volume_bytes", pixels * itemsize, "bytes of heatmaps")
    bounds.check("max_volume_bytes", sum(maps) * _MAP_BYTES, "bytes to describe the heatmaps' maps")

    room = sum(_most_figures(volume) for volume in volumes)
    if room > _UNCOUNTED:
        room = _count(volumes)
    bounds.check("max_volume_bytes", room * _FIGURE_BYTES, "bytes to describe the heatmaps' figures")
    starts = np.empty(sum(maps) + 1, np.int64)
    segments = np.empty(sum(maps), np.uint8)
    boxes, numbers = np.empty((max(room, 1), 4), np.int32), np.empty((max(room, 1), 6))
    table = np.empty((len(volumes), 5), np.int64)
    figures, base, work = 0, 0, 0
    for row, (volume, count, offset) in enumerate(zip(volumes, maps, offsets, strict=True)):
        figures, spent, heaviest = kernels().figures(
            *arguments(volume), figures, base, starts, segments, boxes, numbers
        )
        bounds.check("max_map_work", heaviest, "pixels of work for one map (persons and channels add up)")
        work += spent
        table[row] = volume.height, volume.width, offset, base, base + count // volume.copies
        base += count
    starts[-1] = figures
    return Pack(
        shapes=tuple(volume.shape for volume in volumes),
        offsets=tuple(offsets),
        pixels=pixels,
        window_pixels=work,
        volumes=table,
        scales=0.5 / np.array([volume.sigma for volume in volumes], np.float64) ** 2,
        volume_of=np.repeat(np.arange(len(volumes), dtype=np.int32), maps),
        starts=starts,
        segments=segments.view(np.bool_),
        boxes=boxes[:figures],
        numbers=numbers[:figures],
        bounds=bounds,
    )


def _most_figures(volume: HeatmapVolume) -> int:
    return int(volume.keypoint.shape[0]) * volume.frames * volume.channels * volume.copies


def _count(volumes: Sequence[HeatmapVolume]) -> int:
    """How many figures there are to draw."""
    count = 0
    nothing = np.empty(0, np.int64), np.empty(0, np.uint8), np.empty((0, 4), np.int32), np.empty((0, 6))
    for volume in volumes:
        count, _, _ = kernels().figures(*arguments(volume), count, 0, *nothing)
    return count
