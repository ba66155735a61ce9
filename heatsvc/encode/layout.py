"""Layout: an answer's body before anything of it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from heatsvc.encode.body import Body
from heatsvc.encode.codings import Coding, EncodedChunk
from heatsvc.encode.drawing import Drawing
from heatsvc.encode.errand import Errand
from heatsvc.encode.stretch import Stretch, encode_tile


@dataclass(frozen=True, slots=True)
class Layout:
    """What is to be coded, and what then becomes of it. Who does the coding is nothing to it.

    Attributes:
        drawings: of the body, in their order.
        coding: what their pieces are coded in; the body's own may be another.
        finish: puts the body together from the coded pieces of each drawing.
    """

    drawings: Sequence[Drawing]
    coding: Coding
    finish: Callable[[Sequence[Sequence[EncodedChunk]]], Body]

    @property
    def size(self) -> int:
        """Bytes of the drawings, before coding."""
        size = 0
        for drawing in self.drawings:
            size += drawing.nbytes
        return size

    def write(self, errand: Errand) -> Body:
        """Do it all on the CPU, here, one piece after the other."""
        drawn: list[list[EncodedChunk]] = []
        for drawing in self.drawings:
            drawn.append([])
            for tile in drawing.tiles:
                drawn[-1].append(encode_tile(drawing, tile, self.coding, errand))
        return self.finish(drawn)

    def stretches(self, errand: Errand) -> list[Stretch]:
        """What others may do: a stretch for each drawing."""
        return [Stretch(each, each.tiles, self.coding, errand) for each in self.drawings]
