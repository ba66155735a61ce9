"""Stretch: a drawing of an answer, or some of its tiles, to be drawn and coded: the task of a batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

from heatsvc.encode.codings import Coding, EncodedChunk
from heatsvc.encode.drawing import Drawing
from heatsvc.encode.errand import Errand
from heatsvc.render.cpu import Tile


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """What is coded together, wherever that is done.

    Attributes:
        drawing: what is drawn.
        tiles: all of its tiles, or one of them.
        coding: what it is coded in.
        errand: for whom.
    """

    drawing: Drawing
    tiles: Sequence[Tile]
    coding: Coding
    errand: Errand

    @property
    def cost(self) -> int:
        """Bytes of it, dense."""
        if len(self.tiles) == len(self.drawing.tiles):
            return self.drawing.nbytes
        maps = sum(tile.last - tile.first for tile in self.tiles)
        return maps * math.prod(self.drawing.shape[-2:]) * self.drawing.itemsize

    @property
    def parts(self) -> Sequence[Stretch]:
        """A stretch for each tile."""
        if len(self.tiles) == 1:
            return (self,)
        return [Stretch(self.drawing, (tile,), self.coding, self.errand) for tile in self.tiles]

    def code(self) -> list[EncodedChunk]:
        """Draw and code it on the CPU, here; what `check` raises ends it."""
        return [encode_tile(self.drawing, tile, self.coding, self.errand) for tile in self.tiles]


def encode_tile(drawing: Drawing, tile: Tile, coding: Coding, errand: Errand) -> EncodedChunk:
    """Draw and code one tile of a drawing on the CPU; what `check` raises ends it."""
    errand.check()
    started = perf_counter()
    encode_patches = coding.encode_patches
    patches = drawing.patches(tile) if encode_patches else None
    if patches and encode_patches:
        drawn = perf_counter()
        coded = encode_patches(patches)
    else:
        runs = drawing.draw(tile, errand.check)
        drawn = perf_counter()
        coded = coding.encode_runs(runs)
    errand.spent.append((drawn - started, perf_counter() - drawn))
    return coded
