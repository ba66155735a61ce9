"""Drawing: one volume of an answer, planned but not drawn."""

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

# Most pixels of a PoTion picture are zero or small; it is drawn whole, since all of it adds up to the end.
_WHOLE = Tile(0, 0, 0, 0)
_ITEMSIZE = {"float32": 4, "float16": 2, "uint8": 1, "int16": 2}


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """A volume under the name and in the type that it has in the answer.

    Attributes:
        name: of the tensor or archive member.
        volume: what is drawn.
        dtype: int16 for a volume reduced by argmax, else float32, float16 or uint8.
        tiles: what may be drawn apart, in output order.
        pixels, runs: upper bounds, from the plan.
        shape: of the array.
        itemsize: bytes a pixel.
        nbytes: bytes of the dense array.
        work, heaviest: pixels of work, in all and in the heaviest map that is a tile by itself; see `Plan`.
    """

    name: str
    volume: HeatmapVolume
    dtype: DType
    tiles: tuple[Tile, ...]
    pixels: int
    runs: int
    shape: tuple[int, ...]
    itemsize: int
    nbytes: int
    work: int
    heaviest: int

    @classmethod
    def of(cls, name: str, volume: HeatmapVolume, dtype: DType, token: CancelToken = NEVER_CANCELLED) -> Drawing:
        """Plan a volume; one reduced by argmax is always int16. `token` may end the work."""
        if volume.reduce == "argmax":
            dtype = "int16"
        shape, itemsize = volume.shape, _ITEMSIZE[dtype]
        size = math.prod(shape)
        whole = plan(frames_first(volume) if volume.potion else volume, token=token)
        made = Plan((_WHOLE,), size, size, whole.work + size, whole.heaviest) if volume.potion else whole
        return cls(
            name,
            volume,
            dtype,
            made.tiles,
            made.pixels,
            made.runs,
            shape,
            itemsize,
            size * itemsize,
            made.work,
            made.heaviest,
        )

    def draw(self, tile: Tile, token: CancelToken = NEVER_CANCELLED) -> PixelRuns:
        """One of `tiles`; `token` may end the work."""
        if self.volume.potion:
            return PixelRuns.of_array(convert(render_potion(self.volume, token), self.dtype))
        return render_runs(self.volume, tile, self.dtype)

    def patches(self, tile: Tile) -> SeparablePatches | None:
        """One of `tiles` as patches; None where it is not made of float32 keypoints that are small and stand apart."""
        return None if self.volume.potion or self.dtype != "float32" else render_patches(self.volume, tile)


def check_work(drawings: Sequence[Drawing], bounds: Bounds) -> None:
    """Refuse what could not be ended in time once it is begun.

    Raises:
        LimitError: a map of more work than `max_map_work`.
    """
    heaviest = 0
    for drawing in drawings:
        heaviest = max(heaviest, drawing.heaviest)
    bounds.check("max_map_work", heaviest, "pixels of work for one map (persons and channels add up)", field="pipeline")


def check_sizes(drawings: Sequence[Drawing], coding: Coding, bounds: Bounds) -> None:
    """Hold an answer to its bounds before anything of it is drawn.

    Raises:
        LimitError: more than `max_volume_bytes` when dense, or than `max_answer_bytes` to be held and sent; or a map
            of more work than `max_map_work`.
    """
    check_work(drawings, bounds)
    dense = coded = 0
    for drawing in drawings:
        dense += drawing.nbytes
        coded += coding.bound(drawing.nbytes, drawing.pixels, drawing.runs, drawing.itemsize)
    if dense > bounds.max_volume_bytes:
        bounds.check("max_volume_bytes", dense, "bytes of heatmaps")
    if coded > bounds.max_answer_bytes:
        advice = " without a content coding (ask for zstd)" if coding.name == "identity" else ""
        bounds.check("max_answer_bytes", coded, f"bytes of answer{advice}")
