"""RenderJob: the rendering of one response, from volumes to the chunks of its body, independent of HTTP."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from heatsvc.bounds import Bounds
from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.encode.codings import Coding, EncodedChunk
from heatsvc.render.array import frames_first, render_potion
from heatsvc.render.cpu import (
    DType,
    PixelRuns,
    Plan,
    SeparablePatches,
    Tile,
    convert,
    plan,
    render_patches,
    render_runs,
)
from heatsvc.render.picture import Picture
from heatsvc.volume import HeatmapVolume

if TYPE_CHECKING:
    from heatsvc.encode.formats import BodyWriter

MAX_TILE_BYTES = 1 << 20
"""Maximum encoded size of a tile in bytes, unless it is a single map or a PoTion picture."""

# Pixels of work in a tile: usually 8 bytes per pixel (float32 in runs of 5 pixels or more with their overhead, as for
# the usual sigma), and at most 24 bytes per pixel, for runs of any length.
_TILE_PIXELS = (MAX_TILE_BYTES // 8, MAX_TILE_BYTES // 24)
_ITEMSIZE = {"float32": 4, "float16": 2, "uint8": 1, "int16": 2}

MAX_WHOLE_BYTES = MAX_TILE_BYTES
"""Maximum encoded size in bytes of a response that is rendered whole; larger ones are streamed."""

# Pixels of work of an item, which take about 10 ms.
_ITEM_WORK = 4 << 20
# Maximum pixels of work of a response that is rendered on the event loop: less than a millisecond, with encoding.
_LIGHT_WORK = 128 << 10
# Overhead of each clip, in pixels of work.
_CLIP_WORK = 4_000
# Maximum encoded and decoded bytes of the volumes that a GPU encodes together for one response: half of its batch.
_GPU_ITEM_BYTES = 16 << 20
_GPU_ITEM_DECODED_BYTES = 512 << 20


@dataclass(slots=True, eq=False)
class PlannedVolume:
    """A volume that is cut into tiles but not yet rendered.

    Attributes:
        name: name of the tensor or archive member.
        volume: the volume.
        dtype: int16 for a volume reduced by argmax, else float32, float16 or uint8.
        tiles: the tiles in output order; a PoTion picture is one tile.
        shape: shape of the array.
        itemsize: bytes per pixel.
        nbytes: size of the dense array in bytes.
        tile_bounds: maximum encoded size of each tile in bytes.
        work: pixels of work; see `Plan`.
        max_map_work: the largest work of a map that is a tile by itself.
        picture: how to show it, if its tiles are frames of a picture.
    """

    name: str
    volume: HeatmapVolume
    dtype: DType
    tiles: Sequence[Tile]
    shape: tuple[int, ...]
    itemsize: int
    nbytes: int
    tile_bounds: Sequence[int]
    work: int
    max_map_work: int
    picture: Picture | None = None

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
            name: name of the tensor.
            volume: the volume.
            dtype: float32, float16 or uint8; a volume reduced by argmax is always int16.
            coding: coding of the tiles.
            token: cancels the planning of a large volume.
        """
        if volume.reduce == "argmax":
            dtype = "int16"
        shape, itemsize = volume.shape, _ITEMSIZE[dtype]
        size = math.prod(shape)
        if volume.potion:
            frames = plan(frames_first(volume), token=token)
            whole = Tile(0, math.prod(shape[:-2]), size, size)
            tiles: Sequence[Tile] = (whole,)
            bounds = [coding.bound(size * itemsize, size, size, itemsize)]
            work, max_map_work = frames.work + size, frames.max_map_work
        else:
            cut, bounds = _plan_tiles(volume, itemsize, coding, token)
            tiles, work, max_map_work = cut.tiles, cut.work, cut.max_map_work
        return cls(name, volume, dtype, tiles, shape, itemsize, size * itemsize, bounds, work, max_map_work)

    @property
    def max_encoded_bytes(self) -> int:
        """Maximum encoded size of all tiles in bytes."""
        return sum(self.tile_bounds)

    def tile_bytes(self, tile: Tile) -> int:
        """Size of a dense tile in bytes."""
        return (tile.last - tile.first) * math.prod(self.shape[-2:]) * self.itemsize

    def render(self, tile: Tile, token: CancelToken = NEVER_CANCELLED) -> PixelRuns:
        """Render one of `tiles` as runs of non-zero pixels."""
        if self.volume.potion:
            return PixelRuns.of_array(convert(render_potion(self.volume, token), self.dtype))
        return render_runs(self.volume, tile, self.dtype)

    def render_patches(self, tile: Tile) -> SeparablePatches | None:
        """Render one of `tiles` as patches; None unless it consists of small, separate float32 keypoints."""
        return None if self.volume.potion or self.dtype != "float32" else render_patches(self.volume, tile)


def _plan_tiles(volume: HeatmapVolume, itemsize: int, coding: Coding, token: CancelToken) -> tuple[Plan, list[int]]:
    """The tiles, and the maximum encoded size of each."""
    area = volume.height * volume.width * itemsize
    maps = max(1, MAX_TILE_BYTES // coding.bound(area, 0, 0, itemsize))
    for pixels in _TILE_PIXELS:
        cut = plan(volume, pixels, each=maps, token=token)
        bounds, fits = [], True
        for tile in cut.tiles:
            count = tile.last - tile.first
            bound = coding.bound(count * area, tile.pixels, tile.runs, itemsize)
            bounds.append(bound)
            fits = fits and (bound <= MAX_TILE_BYTES or count == 1)
        if fits:
            break
    return cut, bounds


def check_sizes(volumes: Sequence[PlannedVolume], bounds: Bounds) -> None:
    """Check the bounds of a response before it is rendered.

    Raises:
        LimitError: the dense volumes exceed `max_volume_bytes`, or the work of a map exceeds `max_map_work`.
    """
    max_map_work = nbytes = 0
    for planned in volumes:
        max_map_work = max(max_map_work, planned.max_map_work)
        nbytes += planned.nbytes
    bounds.check(
        "max_map_work", max_map_work, "pixels of work for one map (persons and channels add up)", field="pipeline"
    )
    bounds.check("max_volume_bytes", nbytes, "bytes of heatmaps")


@dataclass(slots=True, eq=False)
class WorkItem:
    """Consecutive tiles of one or more volumes, rendered and encoded together.

    Attributes:
        writer: the writer of the body.
        token: checked between steps; cancels the work.
        stage_seconds: collects the seconds of rendering and of encoding of each tile; threads append to it.
        tiles: the tiles in the order of the body.
        max_encoded_bytes: maximum encoded size in bytes.
        decoded_bytes: decoded size in bytes.
    """

    writer: BodyWriter
    token: CancelToken
    stage_seconds: list[tuple[float, float]]
    tiles: Sequence[tuple[PlannedVolume, Tile]]
    max_encoded_bytes: int
    decoded_bytes: int

    @property
    def volumes(self) -> list[PlannedVolume] | None:
        """The volumes, if the item consists of whole volumes; else None."""
        (first, first_tile), (last, last_tile) = self.tiles[0], self.tiles[-1]
        if first_tile is not first.tiles[0] or last_tile is not last.tiles[-1]:
            return None
        return [planned for planned, tile in self.tiles if tile is planned.tiles[0]]

    def run(self) -> list[EncodedChunk]:
        """Render and encode on the CPU.

        Raises:
            CancelledError, DeadlineError: raised by the token.
        """
        chunks = []
        for planned, tile in self.tiles:
            self.token.raise_if_cancelled()
            chunk, render_seconds, encode_seconds = self.writer.encode(planned, tile, self.token)
            self.stage_seconds.append((render_seconds, encode_seconds))
            chunks.append(chunk)
        return chunks


class RenderJob:
    """The work of rendering one response.

    Args:
        writer: the writer of the body.
        token: cancels the rendering.
        media_type: media type of the body.
        whole_volumes: whether items should consist of whole volumes if possible, as a GPU needs them.

    Attributes:
        items: the work items, in the order of the body.
        max_encoded_bytes: maximum size of the encoded body in bytes.
        decoded_bytes: size of the decoded volumes in bytes.
        work: approximate number of pixels to render.
        is_whole: whether the response is rendered before it is sent, because it is small or the writer buffers it.
        written: number of bytes of the encoded body so far.
        stage_seconds: seconds of rendering and of encoding so far, for each tile and for a heavy writer, in no
            particular order; threads append to it.
    """

    def __init__(
        self,
        writer: BodyWriter,
        token: CancelToken = NEVER_CANCELLED,
        *,
        media_type: str = "application/octet-stream",
        whole_volumes: bool = False,
    ) -> None:
        self.writer = writer
        self.media_type = media_type
        self.token = token
        self.written = 0
        self.stage_seconds: list[tuple[float, float]] = []
        self.items = (
            self._items_by_volume()
            if whole_volumes and not writer.buffer_bytes
            else self._items_by_tile(writer.volumes)
        )
        self.max_encoded_bytes, self.decoded_bytes, self.work = writer.overhead, 0, 0
        for item in self.items:
            self.max_encoded_bytes += item.max_encoded_bytes
            self.decoded_bytes += item.decoded_bytes
        for planned in writer.volumes:
            self.work += planned.work + _CLIP_WORK
        self.is_whole = bool(writer.buffer_bytes) or self.max_encoded_bytes <= MAX_WHOLE_BYTES

    @property
    def is_light(self) -> bool:
        """Whether rendering the whole response takes less than a millisecond, less than passing it to a thread."""
        return self.is_whole and self.work <= _LIGHT_WORK and not self.writer.is_heavy

    @property
    def point_bytes(self) -> int:
        """Size in bytes of the points of all volumes."""
        return sum(
            planned.volume.keypoint.nbytes + planned.volume.keypoint_score.nbytes for planned in self.writer.volumes
        )

    @property
    def seconds(self) -> tuple[float, float]:
        """Seconds of rendering and of encoding, summed over threads."""
        return sum(render for render, _ in self.stage_seconds), sum(encode for _, encode in self.stage_seconds)

    def render(self) -> bytes:
        """Render the body in the calling thread.

        Raises:
            CancelledError, DeadlineError: raised by the token.
        """
        parts: list[bytes | memoryview] = [self.start()]
        for item in self.items:
            parts += self.add(item, item.run())
        parts.append(self.finish())
        return b"".join(parts)

    def start(self) -> bytes:
        """The bytes before the first item."""
        data = self.writer.start()
        self.written += len(data)
        return data

    def add(self, item: WorkItem, chunks: Sequence[EncodedChunk]) -> list[bytes | memoryview]:
        """The bytes of the next item.

        Args:
            item: the next item.
            chunks: one for each of its tiles, or one for each of its volumes.
        """
        started = perf_counter()
        parts: list[bytes | memoryview] = []
        if len(chunks) == len(item.tiles):
            for (planned, tile), chunk in zip(item.tiles, chunks, strict=True):
                first, last = tile is planned.tiles[0], tile is planned.tiles[-1]
                parts += self.writer.add(planned, chunk, first=first, last=last)
        else:
            for planned, chunk in zip(item.volumes or (), chunks, strict=True):
                parts += self.writer.add(planned, chunk, first=True, last=True)
        self.written += sum(map(len, parts))
        if self.writer.is_heavy:
            self.stage_seconds.append((0.0, perf_counter() - started))
        return parts

    def finish(self) -> bytes:
        """The bytes after the last item."""
        started = perf_counter()
        data = self.writer.finish()
        self.written += len(data)
        if self.writer.is_heavy:
            self.stage_seconds.append((0.0, perf_counter() - started))
        return data

    def _item(
        self, tiles: Sequence[tuple[PlannedVolume, Tile]], max_encoded_bytes: int, decoded_bytes: int
    ) -> WorkItem:
        # An item does not refer to the job: the reference cycle would keep volumes until garbage is collected.
        return WorkItem(self.writer, self.token, self.stage_seconds, tiles, max_encoded_bytes, decoded_bytes)

    def _items_by_tile(self, volumes: Sequence[PlannedVolume]) -> list[WorkItem]:
        """Items of at most `MAX_TILE_BYTES` encoded bytes and about 10 ms of work, unless a single tile exceeds it."""
        items: list[WorkItem] = []
        tiles: list[tuple[PlannedVolume, Tile]] = []
        max_encoded_bytes = decoded_bytes = work = 0
        for planned in volumes:
            share = planned.work // len(planned.tiles)
            for tile, tile_bound in zip(planned.tiles, planned.tile_bounds, strict=True):
                if tiles and (max_encoded_bytes + tile_bound > MAX_TILE_BYTES or work + share > _ITEM_WORK):
                    items.append(self._item(tiles, max_encoded_bytes, decoded_bytes))
                    tiles, max_encoded_bytes, decoded_bytes, work = [], 0, 0, 0
                tiles.append((planned, tile))
                max_encoded_bytes += tile_bound
                decoded_bytes += planned.tile_bytes(tile)
                work += share
        if tiles:
            items.append(self._item(tiles, max_encoded_bytes, decoded_bytes))
        return items

    def _items_by_volume(self) -> list[WorkItem]:
        """Items of whole volumes; a volume that is too large is cut as for the CPU."""
        items: list[WorkItem] = []
        group: list[PlannedVolume] = []
        max_encoded_bytes = decoded_bytes = 0

        def close() -> None:
            nonlocal group, max_encoded_bytes, decoded_bytes
            if group:
                tiles = [(planned, tile) for planned in group for tile in planned.tiles]
                items.append(self._item(tiles, max_encoded_bytes, decoded_bytes))
            group, max_encoded_bytes, decoded_bytes = [], 0, 0

        for planned in self.writer.volumes:
            if planned.max_encoded_bytes > _GPU_ITEM_BYTES or planned.nbytes > _GPU_ITEM_DECODED_BYTES:
                close()
                items += self._items_by_tile([planned])
                continue
            if (
                max_encoded_bytes + planned.max_encoded_bytes > _GPU_ITEM_BYTES
                or decoded_bytes + planned.nbytes > _GPU_ITEM_DECODED_BYTES
            ):
                close()
            group.append(planned)
            max_encoded_bytes += planned.max_encoded_bytes
            decoded_bytes += planned.nbytes
        close()
        return items
