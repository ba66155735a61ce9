"""Drawing on the CPU: a volume is planned as tiles, and each tile becomes runs of pixels or a part of an array.

A tile is some of the volume's maps, small enough that drawing it keeps nobody waiting and fills no memory; tiles
are independent, so that several threads draw several at once (the loops hold no interpreter lock).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.render.pixels import SIMD_WIDTH, PixelRuns, SeparablePatches
from heatsvc.volume import HeatmapVolume

DType = Literal["float32", "float16", "uint8", "int16"]

# Pixels of work in a tile: about 10 ms, and 16 MB of float32 at the most where the maps are full.
TILE_PIXELS = 4 << 20

# So many points and limbs are looked at without asking whether anybody still waits: about 10 ms.
_LOOKS = 1 << 20

# A volume of no more pixels of work is one tile without being measured.
SMALL_PIXELS = 256 << 10

# Two float32: less is not worth a gap between two runs.
_APART = 2

# A pixel at or under this becomes 0 in the type: half of the smallest float16, and half of 1/255 in float64.
_CUT = {"float32": 0.0, "float16": 2.0**-25, "uint8": 0.5 / 255, "int16": 0.0}


@dataclass(frozen=True, slots=True)
class Tile:
    """Maps `first` up to `last` of a volume, with upper bounds of their non-zero pixels and of their runs."""

    first: int
    last: int
    pixels: int
    runs: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A volume cut into tiles, in output order.

    Attributes:
        tiles: they cover all maps once.
        pixels: upper bound of the volume's non-zero pixels, known before anything is drawn.
        runs: upper bound of its runs.
        work: the pixels of all windows, or an upper bound of them: persons, and channels that share a map, add up.
        heaviest: the work of the heaviest map that is a tile by itself. Nothing ends such a tile before it is done.
    """

    tiles: tuple[Tile, ...]
    pixels: int
    runs: int
    work: int
    heaviest: int = 0


@cache
def kernels() -> Any:
    """The compiled loops. The first call compiles them, or loads them from numba's cache."""
    from heatsvc.render import kernels as compiled

    return compiled


@cache
def run_kernels() -> Any:
    """The compiled loops that read runs; as `kernels`."""
    from heatsvc.render import run_kernels as compiled

    return compiled


def plan(
    volume: HeatmapVolume,
    tile_pixels: int = TILE_PIXELS,
    each: int = 0,
    token: CancelToken = NEVER_CANCELLED,
) -> Plan:
    """Cut a volume into tiles.

    Args:
        volume: not a PoTion picture, which is not made of maps.
        tile_pixels: about how many pixels of work make a tile; a single map is never cut.
        each: where given, no tile reaches over a multiple of so many maps.
        token: asked now and then, ends the work.
    """
    if (not each or volume.maps <= each) and volume.reduce == "none" and not len(volume.limbs):
        # A few keypoints are not worth a look at each.
        reach, maps = _reach(volume), volume.maps
        rows = volume.keypoint.shape[0] * maps * min(reach, volume.height)
        pixels = rows * min(reach, volume.width)
        if pixels <= min(SMALL_PIXELS, tile_pixels):
            return Plan((Tile(0, maps, pixels, rows),), pixels, rows, pixels)
    measure, given = kernels().measure, arguments(volume)
    tiles = []
    first, maps, work, heaviest = 0, volume.maps, 0, 0
    # What lies outside the map has no pixels, but is looked at all the same.
    merged = volume.channels if volume.reduce != "none" else 1
    step = max(1, _LOOKS // (volume.keypoint.shape[0] * merged))
    while first < maps:
        token.raise_if_cancelled()
        last = min(maps, first + step, first - first % each + each if each else maps)
        end, pixels, runs, spent = measure(*given, first, last, tile_pixels)
        tiles.append(Tile(first, end, pixels, runs))
        if end == first + 1:
            heaviest = max(heaviest, spent)
        work += spent
        first = end
    all_pixels, all_runs = sum(tile.pixels for tile in tiles), sum(tile.runs for tile in tiles)
    return Plan(tuple(tiles), all_pixels, all_runs, work, heaviest)


def _reach(volume: HeatmapVolume) -> int:
    """The most pixels of a side of a keypoint's window, which reaches three sigma to either side of it."""
    return int(6 * volume.sigma) + 2


def render_runs(volume: HeatmapVolume, tile: Tile, dtype: DType) -> PixelRuns:
    """Draw one tile as runs of non-zero pixels.

    Args:
        volume: as planned.
        tile: one of `plan(volume).tiles`.
        dtype: float32, float16 (rounded to nearest, at most 65504, its largest finite number), uint8 (value * 255,
            rounded to nearest, at most 255); int16 for a volume reduced by argmax, and only for that.

    Raises:
        ValueError: a dtype that does not go with the volume.
    """
    if (dtype == "int16") != (volume.reduce == "argmax"):
        raise ValueError(f"a volume of reduce={volume.reduce} cannot be drawn as {dtype}")
    argmax = dtype == "int16"
    # A run costs a coding about 7 bytes: so many bytes of zeros are cheaper inside a run than between two.
    gap = 8 // np.dtype(dtype).itemsize
    runs, count, room = -1, 0, 1
    while runs < 0:
        starts = np.empty(room * (tile.runs + 1), np.int64)
        lengths = np.empty(room * (tile.runs + 1), np.int64)
        values = np.empty(room * (tile.pixels + tile.runs * gap) + kernels().SIMD_WIDTH, np.float32)
        runs, count = kernels().render(
            *arguments(volume),
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
    return PixelRuns(starts[:runs], lengths[:runs], convert(values[:count], dtype), size, 255 if argmax else 0)


def render_patches(volume: HeatmapVolume, tile: Tile) -> SeparablePatches | None:
    """Draw one tile as patches, in float32; None where it has others than small keypoints that stand apart.

    Args:
        volume: as planned; no PoTion picture.
        tile: one of `plan(volume).tiles`.
    """
    loops = kernels()
    apart = volume.reduce == "none" and volume.keypoint.shape[0] == 1 and not len(volume.limbs)
    if not apart or volume.sigma < loops.SMALLEST_SMALL_SIGMA or _reach(volume) > SIMD_WIDTH:
        return None
    maps = tile.last - tile.first
    places, values = np.empty((maps, 3), np.int64), np.empty((maps, 2 * SIMD_WIDTH), np.float32)
    count, pixels, rows = loops.separable_patches(*arguments(volume), tile.first, tile.last, _APART, places, values)
    if count < 0:
        return None
    size = maps * volume.height * volume.width
    return SeparablePatches(places[:count], values[:count], volume.width, pixels, rows, size)


def scatter(runs: PixelRuns, out: npt.NDArray[Any]) -> None:
    """Write runs into `out`, a flat, C-ordered array of `runs.size` pixels that holds the fill already."""
    run_kernels().scatter(runs.values.view(np.uint8), runs.start, runs.length, runs.itemsize, out.view(np.uint8))


def convert(values: npt.NDArray[np.float32], dtype: DType) -> npt.NDArray[Any]:
    """Pixels in the type asked for, rounded as NumPy's `astype` rounds; what the type cannot hold is clipped.

    Args:
        values: of any shape; for uint8 none is negative.
        dtype: float16 is at most 65504, its largest finite number, so that no score becomes infinite. uint8 is
            value * 255 (in float64, as `_CUT` is), rounded to nearest, at most 255.
    """
    if dtype == "float32":
        return values
    if dtype == "int16":
        return values.astype(np.int16)
    flat = np.ascontiguousarray(values).reshape(-1)
    out: npt.NDArray[Any] = np.empty(values.shape, dtype)
    if dtype == "uint8":
        run_kernels().to_uint8(flat, out.reshape(-1))
    else:
        run_kernels().to_float16(flat, flat.view(np.uint32), out.reshape(-1).view(np.uint16))
    return out


@lru_cache(maxsize=1)
def _empty() -> npt.NDArray[np.int32]:
    return np.zeros(0, np.int32)


def arguments(volume: HeatmapVolume) -> tuple[Any, ...]:
    """The volume as the loops take it; see kernels._VOLUME."""
    return (
        volume.keypoint,
        volume.keypoint_score,
        volume.limbs,
        volume.mirror if volume.double else _empty(),
        volume.keypoint.shape[2] if volume.with_kp else 0,
        volume.frames // volume.clips if volume.clips else 0,
        kernels().REDUCE[volume.reduce],
        volume.height,
        volume.width,
        volume.sigma,
        volume.eps,
    )
