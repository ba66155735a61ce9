"""Stretch: a drawing of an answer, or some of its pieces, to be drawn and coded: the task of a batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

from heatsvc.encode.codings import Coding, Piece
from heatsvc.encode.drawing import Drawing
from heatsvc.encode.errand import Errand
from heatsvc.render.cpu import Piece as MapPiece


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """What is coded together, wherever that is done.

    Attributes:
        drawing: what is drawn.
        pieces: all of its pieces, or one of them.
        coding: what it is coded in.
        errand: for whom.
    """

    drawing: Drawing
    pieces: Sequence[MapPiece]
    coding: Coding
    errand: Errand

    @property
    def cost(self) -> int:
        """Bytes of it, dense."""
        if len(self.pieces) == len(self.drawing.pieces):
            return self.drawing.nbytes
        maps = sum(piece.last - piece.first for piece in self.pieces)
        return maps * math.prod(self.drawing.shape[-2:]) * self.drawing.itemsize

    @property
    def parts(self) -> Sequence[Stretch]:
        """A stretch for each piece."""
        if len(self.pieces) == 1:
            return (self,)
        return [Stretch(self.drawing, (piece,), self.coding, self.errand) for piece in self.pieces]

    def code(self) -> list[Piece]:
        """Draw and code it on the CPU, here; what `check` raises ends it."""
        return [code_piece(self.drawing, piece, self.coding, self.errand) for piece in self.pieces]


def code_piece(drawing: Drawing, piece: MapPiece, coding: Coding, errand: Errand) -> Piece:
    """Draw and code one piece of a drawing on the CPU; what `check` raises ends it."""
    errand.check()
    started = perf_counter()
    encode_patches = coding.encode_patches
    patches = drawing.patches(piece) if encode_patches else None
    if patches and encode_patches:
        drawn = perf_counter()
        coded = encode_patches(patches)
    else:
        runs = drawing.draw(piece, errand.check)
        drawn = perf_counter()
        coded = coding.encode_runs(runs)
    errand.spent.append((drawn - started, perf_counter() - drawn))
    return coded
