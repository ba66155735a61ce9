"""A stand-in for `heatsvc.encode.cuda`: codes on the CPU, and fails as a GPU does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from heatsvc.encode.drawing import Drawing
from heatsvc.encode.errand import Errand
from heatsvc.encode.stretch import Stretch, encode_tile

from heatsvc.bounds import Bounds
from heatsvc.cancel import CancelToken
from heatsvc.encode.codings import CODINGS, EncodedChunk
from heatsvc.render.cpu import DType
from heatsvc.volume import HeatmapVolume


def go_well(drawings: Sequence[Drawing]) -> None:
    """What a GPU says that nothing is wrong with."""


@dataclass
class StandIn:
    """A coder that writes down its batches.

    Attributes:
        trouble: raises what the GPU says to a batch.
        batches: names of the drawings of each that was begun.
        codings: of each.
    """

    trouble: Callable[[Sequence[Drawing]], None] = go_well
    batches: list[list[str]] = field(default_factory=list)
    codings: list[str] = field(default_factory=list)

    def codes(self, drawing: Drawing, coding: str) -> bool:
        return coding in ("zstd", "deflate") and drawing.dtype != "int16" and drawing.volume.potion is None

    def code_batch(
        self, drawings: Sequence[Drawing], coding: str, device: str, *, bounds: Bounds
    ) -> list[EncodedChunk]:
        assert sum(drawing.nbytes for drawing in drawings) <= bounds.max_volume_bytes
        self.batches.append([drawing.name for drawing in drawings])
        self.codings.append(coding)
        self.trouble(drawings)
        return [encode_tile(each, each.tiles[0], CODINGS[coding], Errand()) for each in drawings]


def stretch(name: str, coding: str = "zstd", dtype: DType = "float32", errand: Errand | None = None) -> Stretch:
    """A small clip; what it looks like depends on its name."""
    points = np.random.default_rng(list(name.encode())).uniform(0, 16, (1, 4, 3, 2)).astype(np.float32)
    volume = HeatmapVolume(points, np.ones((1, 4, 3), np.float32), 16, 16)
    drawing = Drawing.of(name, volume, dtype)
    return Stretch(drawing, drawing.tiles, CODINGS[coding], errand or Errand())


def cancelled_stretch() -> Stretch:
    """A clip that nobody waits for any more."""
    token = CancelToken()
    token.cancel()
    return stretch("cancelled", errand=Errand(token))


def wide_stretch(name: str, frames: int) -> Stretch:
    """A clip of several tiles: a keypoint that reaches over all of a map of a megabyte, frame by frame."""
    points = np.full((1, frames, 1, 2), 256, np.float32)
    drawing = Drawing.of(name, HeatmapVolume(points, np.ones((1, frames, 1), np.float32), 512, 512, 200.0), "float32")
    return Stretch(drawing, drawing.tiles, CODINGS["zstd"], Errand())


def coded(tasks: Sequence[Stretch]) -> list[list[bytes]]:
    """What the CPU makes of them."""
    return [[bytes(chunk.data) for chunk in task.code()] for task in tasks]
