"""A fake for `heatsvc.encode.cuda`: encodes on the CPU, and fails as a GPU does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.encode.codings import CODINGS, Coding, EncodedChunk
from heatsvc.encode.formats import FORMATS
from heatsvc.encode.job import PlannedVolume, RenderJob, WorkItem
from heatsvc.render.cpu import DType
from heatsvc.volume import HeatmapVolume


def no_failure(volumes: Sequence[PlannedVolume]) -> None:
    """A GPU that works."""


@dataclass
class FakeEncoder:
    """An encoder that records its batches.

    Attributes:
        fail: raises the GPU's error for a batch.
        batches: names of the volumes of each batch that was begun.
        codings: of each batch.
    """

    fail: Callable[[Sequence[PlannedVolume]], None] = no_failure
    batches: list[list[str]] = field(default_factory=list)
    codings: list[str] = field(default_factory=list)

    def can_encode(self, planned: PlannedVolume, coding: str) -> bool:
        return coding in ("zstd", "deflate") and planned.dtype != "int16" and planned.volume.potion is None

    def encode_batch(
        self, volumes: Sequence[PlannedVolume], coding: str, device: str, *, bounds: Bounds
    ) -> list[EncodedChunk]:
        assert sum(planned.nbytes for planned in volumes) <= bounds.max_volume_bytes
        self.batches.append([planned.name for planned in volumes])
        self.codings.append(coding)
        self.fail(volumes)
        return [CODINGS[coding].encode_runs(planned.render(planned.tiles[0])) for planned in volumes]


def work_item(
    name: str,
    coding: str | Coding = "zstd",
    dtype: DType = "float32",
    token: CancelToken = NEVER_CANCELLED,
) -> WorkItem:
    """A small clip whose pixels depend on its name, as a response of its own."""
    points = np.random.default_rng(list(name.encode())).uniform(0, 16, (1, 4, 3, 2)).astype(np.float32)
    chosen = CODINGS[coding] if isinstance(coding, str) else coding
    planned = PlannedVolume.plan(name, HeatmapVolume(points, np.ones((1, 4, 3), np.float32), 16, 16), dtype, chosen)
    writer = FORMATS["application/x-npy"].writer([planned], chosen, DEFAULT_BOUNDS)
    (item,) = RenderJob(writer, token, whole_volumes=True).items
    return item


def cancelled_item() -> WorkItem:
    """A clip that nobody waits for any more."""
    token = CancelToken()
    token.cancel()
    return work_item("cancelled", token=token)


def decoded_on_cpu(items: Sequence[WorkItem]) -> list[bytes]:
    """The arrays of items, as the CPU renders them."""
    arrays = []
    for item in items:
        ((planned, tile),) = item.tiles
        (chunk,) = [CODINGS["identity"].encode_runs(planned.render(tile))]
        arrays.append(bytes(chunk.data))
    return arrays
