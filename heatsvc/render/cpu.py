"""Renders on the CPU: cuts a volume into tiles, and renders each tile as runs, as patches or into an array.

A tile is a range of the volume's maps. Rendering one takes at most about 10 ms and little memory. Tiles are
independent: several threads can render tiles at once, since the compiled kernels release the interpreter lock. Without
compiled kernels `heatsvc.render.reference` renders tiles, many times slower.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.kernels import KERNELS
from heatsvc.render import reference
from heatsvc.volume import HeatmapVolume

MAX_PATCH_SIDE = 8
"""Largest side of a patch in pixels: the number of float32 in an AVX register."""

DType = Literal["float32", "float16", "uint8", "int16"]

# Pixels of work in a tile: about 10 ms, and at most 16 MB of float32 if no pixel is zero.
TILE_PIXELS = 4 << 20

# Points and limbs that are measured between two checks of the cancel token: about 10 ms.
_MEASURED_AT_ONCE = 1 << 20

# A volume with at most this many pixels of work is one tile and is not measured.
SMALL_PIXELS = 256 << 10

# Pixels that the kernels copy at once; they need this much space behind the last pixel.
_COPIED_AT_ONCE = 8

# Minimum number of float32 pixels between two patches: a shorter gap is smaller without a header of its own.
_MIN_GAP = 2

# Pixels up to this value become 0 in the type: half of the smallest float16, and half of 1/255 in float64.
_CUT = {"float32": 0.0, "float16": 2.0**-25, "uint8": 0.5 / 255, "int16": 0.0}


@dataclass(slots=True, eq=False)
class Tile:
    """Maps `first` up to `last` of a volume, with upper bounds of their non-zero pixels and of their runs."""

    first: int
    last: int
    pixels: int
    runs: int


@dataclass(slots=True, eq=False)
class Plan:
    """A volume cut into tiles, in output order.

    Attributes:
        tiles: the tiles; each map is in exactly one.
        work: the pixels of all windows, overlaps counted each time, plus one for each person and channel of a measured
            map; or an upper bound.
        max_map_work: the largest work of a map that is a tile by itself. Such a tile cannot be cancelled midway.
    """

    tiles: tuple[Tile, ...]
    work: int
    max_map_work: int = 0


@dataclass(slots=True, eq=False)
class PixelRuns:
    """R runs of pixels in a tile of `size` pixels; every byte between the runs is `fill`.

    Attributes:
        start: int64 [R], first pixel of each run, counted from the tile's first pixel; ascending, runs do not overlap.
        length: int64 [R], pixels in each run, at least 1.
        values: [sum of length], the runs' pixels one after the other.
        size: pixels in the tile, W x H for each map.
        fill: 0, or 255 for an int16 volume of -1 (`argmax`).
    """

    start: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]
    values: npt.NDArray[Any]
    size: int
    fill: int = 0

    @classmethod
    def of_array(cls, array: npt.NDArray[Any], fill: int = 0) -> PixelRuns:
        """The runs of pixels of a dense array that are not `fill`; runs less than 8 bytes apart are joined."""
        flat = array.reshape(-1)
        edges = np.flatnonzero(np.diff(flat != (-1 if fill else 0), prepend=False, append=False))
        start, stop = edges[::2], edges[1::2]
        apart = (start[1:] - stop[:-1]) * flat.itemsize >= 8
        start, stop = start[np.append(True, apart)[: start.size]], stop[np.append(apart, True)[: stop.size]]
        runs = cls(start, stop - start, flat[:0], flat.size, fill)
        return replace(runs, values=flat[runs.run_mask()])

    @property
    def arguments(self) -> tuple[Any, ...]:
        """The arguments of the compiled kernels: values as bytes, start, length, itemsize, size, fill."""
        return self.values.view(np.uint8), self.start, self.length, self.itemsize, self.size, self.fill

    def dense(self) -> memoryview:
        """The bytes of the dense tile."""
        out = np.zeros(self.size, self.values.dtype)
        if self.fill:
            out.view(np.uint8).fill(self.fill)
        scatter(self, out)
        return out.view(np.uint8).data

    def run_mask(self) -> npt.NDArray[np.bool_]:
        """Bool [size]: which pixels of the dense tile are in a run."""
        inside = np.zeros(self.size + 1, np.int8)
        inside[self.start] += 1
        inside[self.start + self.length] -= 1
        return np.cumsum(inside[:-1], dtype=np.int8).view(np.bool_)

    @property
    def itemsize(self) -> int:
        """Bytes per pixel."""
        return int(self.values.dtype.itemsize)

    @property
    def nbytes(self) -> int:
        """Bytes of the dense tile."""
        return self.size * self.itemsize


@dataclass(slots=True, eq=False)
class SeparablePatches:
    """S float32 patches in a tile of `size` pixels, each the outer product of a column and a row; other pixels are 0.

    A small Gaussian is stored as 16 numbers instead of 25 pixels, and its rows need no start and length each.

    Attributes:
        bounds: int64 [S, 3], the first pixel of each patch, counted from the tile's first pixel, its columns and its
            rows, at most MAX_PATCH_SIDE. Ascending; at least two pixels lie between a row of a patch and the next row,
            of this patch or another.
        values: float32 [S, 2 * MAX_PATCH_SIDE], a row and a column: pixel x of row y is
            ``values[s, x] * values[s, MAX_PATCH_SIDE + y]``, in float32, and above 0. Numbers beyond the patch's
            columns or rows are undefined.
        width: pixels from a row to the next one, W.
        pixels, rows: in all patches.
        size: pixels in the tile, W x H for each map.
    """

    bounds: npt.NDArray[np.int64]
    values: npt.NDArray[np.float32]
    width: int
    pixels: int
    rows: int
    size: int

    @property
    def nbytes(self) -> int:
        """Bytes of the dense tile."""
        return self.size * self.values.itemsize


def plan(
    volume: HeatmapVolume,
    tile_pixels: int = TILE_PIXELS,
    each: int = 0,
    token: CancelToken = NEVER_CANCELLED,
) -> Plan:
    """Cut a volume into tiles.

    Args:
        volume: a volume of maps, not a PoTion picture.
        tile_pixels: about how many pixels of work are in a tile; a single map is never cut.
        each: if given, no tile crosses a multiple of this number of maps.
        token: checked every 10 ms.

    Raises:
        CancelledError, DeadlineError: raised by `token`.
    """
    maps = volume.maps
    if (not each or maps <= each) and volume.reduce == "none" and not len(volume.limbs):
        # The bound that follows from the number of keypoints is enough.
        reach = volume.gaussian.reach
        rows = volume.keypoint.shape[0] * maps * min(reach, volume.height)
        pixels = rows * min(reach, volume.width)
        if pixels <= min(SMALL_PIXELS, tile_pixels):
            return Plan((Tile(0, maps, pixels, rows),), pixels)
    measure = _measure(volume)
    tiles = []
    first = work = max_map_work = 0
    # Keypoints outside the map have no pixels, but take time to measure.
    merged = volume.channels if volume.reduce != "none" else 1
    step = max(1, _MEASURED_AT_ONCE // (volume.keypoint.shape[0] * merged))
    while first < maps:
        token.raise_if_cancelled()
        last = min(maps, first + step, (first // each + 1) * each if each else maps)
        end, pixels, runs, spent = measure(first, last, tile_pixels)
        tiles.append(Tile(first, end, pixels, runs))
        if end == first + 1:
            max_map_work = max(max_map_work, spent)
        work += spent
        first = end
    return Plan(tuple(tiles), work, max_map_work)


def _measure(volume: HeatmapVolume) -> Callable[[int, int, int], tuple[int, int, int, int]]:
    if KERNELS.native is None:
        return partial(reference.measure, volume)
    return partial(KERNELS.native.measure, native_volume(volume))


def render_runs(volume: HeatmapVolume, tile: Tile, dtype: DType) -> PixelRuns:
    """Render one tile as runs of non-zero pixels.

    Args:
        volume: the planned volume.
        tile: one of `plan(volume).tiles`.
        dtype: float32, float16 (rounded to nearest, at most 65504, its largest finite number), uint8 (value * 255,
            rounded to nearest, at most 255); int16 for a volume reduced by argmax, and only for that.

    Raises:
        ValueError: the dtype does not fit the volume.
    """
    if (dtype == "int16") != (volume.reduce == "argmax"):
        raise ValueError(f"a volume of reduce={volume.reduce} cannot be rendered as {dtype}")
    argmax = dtype == "int16"
    fill = 255 if argmax else 0
    if KERNELS.native is None:
        return PixelRuns.of_array(convert(reference.render_maps(volume, tile.first, tile.last), dtype), fill)
    # A run costs about 7 encoded bytes: a shorter gap of zeros is smaller inside a run than between two runs.
    gap = 8 // np.dtype(dtype).itemsize
    given = native_volume(volume)
    runs, count, room = -1, 0, 1
    while runs < 0:
        starts = np.empty(room * (tile.runs + 1), np.int64)
        lengths = np.empty(room * (tile.runs + 1), np.int64)
        values = np.empty(room * (tile.pixels + tile.runs * gap) + _COPIED_AT_ONCE, np.float32)
        runs, count = KERNELS.native.render(
            given,
            tile.first,
            tile.last,
            _CUT[dtype],
            -1.0 if argmax else 0.0,
            gap,
            starts,
            lengths,
            values,
        )
        room *= 2
    size = (tile.last - tile.first) * volume.height * volume.width
    return PixelRuns(starts[:runs], lengths[:runs], convert(values[:count], dtype), size, fill)


def render_patches(volume: HeatmapVolume, tile: Tile) -> SeparablePatches | None:
    """Render one tile as separable patches, in float32; None unless it has only small keypoints with gaps between them.

    Args:
        volume: the planned volume, not a PoTion picture.
        tile: one of `plan(volume).tiles`.
    """
    separate = volume.reduce == "none" and volume.keypoint.shape[0] == 1 and not len(volume.limbs)
    if not separate or volume.gaussian.reach > MAX_PATCH_SIDE or KERNELS.native is None:
        return None
    maps = tile.last - tile.first
    bounds, values = np.empty((maps, 3), np.int64), np.empty((maps, 2 * MAX_PATCH_SIDE), np.float32)
    count, pixels, rows = KERNELS.native.separable_patches(
        native_volume(volume), tile.first, tile.last, _MIN_GAP, bounds, values
    )
    if count < 0:
        return None
    size = maps * volume.height * volume.width
    return SeparablePatches(bounds[:count], values[:count], volume.width, pixels, rows, size)


def scatter(runs: PixelRuns, out: npt.NDArray[Any]) -> None:
    """Write runs into `out`, a flat, C-ordered array of `runs.size` pixels that already holds the fill."""
    if KERNELS.native is None:
        out[runs.run_mask()] = runs.values
    else:
        KERNELS.native.scatter(runs.values.view(np.uint8), runs.start, runs.length, runs.itemsize, out.view(np.uint8))


def convert(values: npt.NDArray[np.float32], dtype: DType) -> npt.NDArray[Any]:
    """Convert pixels to a type; float16 and uint8 are rounded to nearest and limited to the type's largest number.

    Args:
        values: an array of any shape; for uint8 no value may be negative.
        dtype: float16 is at most 65504, its largest finite number, so that no score becomes infinite. uint8 is
            value * 255 (in float64, as `_CUT` is), rounded to nearest, at most 255.
    """
    if dtype == "float32":
        return values
    if dtype == "int16":
        return values.astype(np.int16)
    if KERNELS.native is None:
        if dtype == "float16":
            return np.clip(values, -65504, 65504).astype(np.float16)
        return np.minimum(np.rint(values.astype(np.float64) * 255), 255).astype(np.uint8)
    flat = np.ascontiguousarray(values).reshape(-1)
    out: npt.NDArray[Any] = np.empty(values.shape, dtype)
    if dtype == "uint8":
        KERNELS.native.to_uint8(flat, out.reshape(-1))
    else:
        KERNELS.native.to_float16(flat, out.reshape(-1).view(np.uint16))
    return out


_REDUCE = {"none": 0, "max": 1, "argmax": 2}
_NO_MIRROR = np.zeros(0, np.int32)


def native_volume(volume: HeatmapVolume) -> Any:
    """The volume as the compiled kernels' `Volume`."""
    return KERNELS.native.Volume(
        volume.keypoint,
        volume.keypoint_score,
        volume.limbs,
        volume.mirror if volume.double else _NO_MIRROR,
        volume.keypoint.shape[2] if volume.with_kp else 0,
        volume.frames // volume.clips if volume.clips else 0,
        _REDUCE[volume.reduce],
        volume.height,
        volume.width,
        volume.gaussian.native,
    )
