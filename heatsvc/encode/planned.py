"""PlannedVolume: a volume cut into tiles, under the name and in the type that it has in a response."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from heatsvc.bounds import Bounds
from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.encode.codings import Coding
from heatsvc.render.array import frames_first, render_potion
from heatsvc.render.cpu import DType, Plan, Tile, convert, plan, render_patches, render_runs
from heatsvc.render.pixels import PixelRuns, SeparablePatches
from heatsvc.volume import HeatmapVolume

MAX_TILE_BYTES = 1 << 20
"""Encoded bytes of a tile, at most, unless it is a single map or a PoTion picture."""

# Pixels of work in a tile. A window is 5 x 5 pixels or more for the usual sigma, so that a run of 5 pixels and its
# overhead are about 8 bytes a pixel of float32; where runs are shorter the second number holds whatever they are.
_TILE_PIXELS = (MAX_TILE_BYTES // 8, MAX_TILE_BYTES // 24)
_ITEMSIZE = {"float32": 4, "float16": 2, "uint8": 1, "int16": 2}


@dataclass(frozen=True, slots=True, eq=False)
class PlannedVolume:
    """A volume that is described and not yet rendered.

    Attributes:
        name: of the tensor or archive member.
        volume: what is rendered.
        dtype: int16 for a volume reduced by argmax, else float32, float16 or uint8.
        tiles: in output order; a PoTion picture is one tile.
        shape: of the array.
        itemsize: bytes a pixel.
        nbytes: bytes of the dense array.
        bound: encoded bytes of all tiles, at most.
        work: pixels of work; see `Plan`.
        heaviest: work of the heaviest map that is a tile by itself.
    """

    name: str
    volume: HeatmapVolume
    dtype: DType
    tiles: Sequence[Tile]
    shape: tuple[int, ...]
    itemsize: int
    nbytes: int
    bound: int
    work: int
    heaviest: int

    @classmethod
    def plan(
        cls,
        name: str,
        volume: HeatmapVolume,
        dtype: DType,
        coding: Coding,
        token: CancelToken = NEVER_CANCELLED,
    ) -> PlannedVolume:
        """Cut a volume into tiles of at most `MAX_TILE_BYTES` in a coding.

        Args:
            name: of the tensor.
            volume: of any kind.
            dtype: float32, float16 or uint8; a volume reduced by argmax is int16 whatever is given.
            coding: that the tiles will be encoded in.
            token: ends the planning of a large volume.
        """
        if volume.reduce == "argmax":
            dtype = "int16"
        shape, itemsize = volume.shape, _ITEMSIZE[dtype]
        size = math.prod(shape)
        if volume.potion:
            frames = plan(frames_first(volume), token=token)
            whole = Tile(0, math.prod(shape[:-2]), size, size)
            bound = coding.bound(size * itemsize, size, size, itemsize)
            tiles: Sequence[Tile] = (whole,)
            work, heaviest = frames.work + size, frames.heaviest
        else:
            planned, bound = _plan_tiles(volume, itemsize, coding, token)
            tiles, work, heaviest = planned.tiles, planned.work, planned.heaviest
        return cls(name, volume, dtype, tiles, shape, itemsize, size * itemsize, bound, work, heaviest)

    def tile_bytes(self, tile: Tile) -> int:
        """Bytes of a tile when it is dense."""
        return (tile.last - tile.first) * math.prod(self.shape[-2:]) * self.itemsize

    def render(self, tile: Tile, token: CancelToken = NEVER_CANCELLED) -> PixelRuns:
        """One of `tiles` as runs of non-zero pixels."""
        if self.volume.potion:
            return PixelRuns.of_array(convert(render_potion(self.volume, token), self.dtype))
        return render_runs(self.volume, tile, self.dtype)

    def render_patches(self, tile: Tile) -> SeparablePatches | None:
        """One of `tiles` as patches; None where it is not made of small float32 keypoints that stand apart."""
        return None if self.volume.potion or self.dtype != "float32" else render_patches(self.volume, tile)


def _plan_tiles(volume: HeatmapVolume, itemsize: int, coding: Coding, token: CancelToken) -> tuple[Plan, int]:
    """Tiles, and the sum of their bounds."""
    area = volume.height * volume.width * itemsize
    maps = max(1, MAX_TILE_BYTES // coding.bound(area, 0, 0, itemsize))
    for pixels in _TILE_PIXELS:
        planned = plan(volume, pixels, each=maps, token=token)
        counts = [tile.last - tile.first for tile in planned.tiles]
        bounds = [
            coding.bound(count * area, tile.pixels, tile.runs, itemsize)
            for count, tile in zip(counts, planned.tiles, strict=True)
        ]
        if all(bound <= MAX_TILE_BYTES or count == 1 for count, bound in zip(counts, bounds, strict=True)):
            break
    return planned, sum(bounds)


def check_sizes(volumes: Sequence[PlannedVolume], bounds: Bounds) -> None:
    """Hold a response to its bounds before anything of it is rendered.

    Raises:
        LimitError: more than `max_volume_bytes` when dense, or a map of more work than `max_map_work`.
    """
    heaviest = max((planned.heaviest for planned in volumes), default=0)
    bounds.check("max_map_work", heaviest, "pixels of work for one map (persons and channels add up)", field="pipeline")
    bounds.check("max_volume_bytes", sum(planned.nbytes for planned in volumes), "bytes of heatmaps")
