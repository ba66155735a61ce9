"""PictureFormat: base class of formats whose tiles are RGB frames that a library writes one by one."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from io import BytesIO
from time import perf_counter
from typing import Any, ClassVar

import numpy as np

from heatsvc.bounds import Bounds
from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.encode.codings import Coding, EncodedChunk
from heatsvc.encode.codings.identity import Identity
from heatsvc.encode.formats.format import NO_METADATA, BodyWriter, Format
from heatsvc.encode.job import MAX_TILE_BYTES, PlannedVolume, check_sizes
from heatsvc.render import cpu
from heatsvc.render.cpu import Tile
from heatsvc.render.picture import Picture
from heatsvc.render.picture_colors import BACKGROUND, UInt8
from heatsvc.render.picture_options import PictureOptions
from heatsvc.volume import HeatmapVolume

# Maximum size of the headers of a file and its frames in bytes.
_FILE_BYTES, _FRAME_BYTES = 64 << 10, 1 << 10
# Work of drawing a line of a skeleton, in pixels.
_LINE_WORK = 500
# Number of work items that are rendered but not written: the one being written, and two ahead of it.
_ITEMS_ALIVE = 3


class RgbFrames(Identity):
    """Tiles as RGB frames."""

    name: ClassVar[str] = "rgb"


class PictureFormat(Format):
    """A format of pictures: one volume, shown as `PictureOptions` specify."""

    many: ClassVar[bool] = False
    compressed: ClassVar[bool] = True
    is_picture: ClassVar[bool] = True
    is_sheet: ClassVar[bool] = False
    """Whether all frames are in one image."""
    bytes_per_pixel: ClassVar[int]
    """Measured memory in bytes per pixel of an image while the library writes, including frames in transit."""

    def plan(
        self,
        name: str,
        volume: HeatmapVolume,
        dtype: cpu.DType,
        coding: Coding,
        bounds: Bounds,
        token: CancelToken = NEVER_CANCELLED,
        *,
        picture: PictureOptions,
        caption_font: str = "",
    ) -> PlannedVolume:
        """Plan one tile per frame."""
        shown = Picture.plan(volume, picture, bounds, sheet=self.is_sheet, font=caption_font)
        height, width = shown.frame_shape
        area, count = height * width * 3, len(shown.numbers)
        measured = cpu.plan(shown.reduced, each=1, token=token)
        # The mode `joint` also renders the channel with the largest value.
        renderings = 2 if picture.mode == "joint" else 1
        share = renderings * measured.work // (volume.frames * volume.copies) + height * width
        if picture.skeleton:
            share += volume.keypoint.shape[0] * len(volume.skeleton or volume.limbs) * _LINE_WORK
        return PlannedVolume(
            name=name,
            volume=volume,
            dtype="uint8",
            tiles=[Tile(index, index + 1, height * width, 0) for index in range(count)],
            shape=(count, height, width * 3),
            itemsize=1,
            nbytes=count * area,
            tile_bounds=[area] * count,
            work=share * count,
            max_map_work=measured.max_map_work,
            picture=shown,
        )

    def writer(
        self,
        volumes: Sequence[PlannedVolume],
        coding: Coding,
        bounds: Bounds,
        metadata: Mapping[str, str] = NO_METADATA,
    ) -> BodyWriter:
        """A writer of the one volume, planned by `plan`.

        Raises:
            LimitError: the work exceeds a bound.
        """
        check_sizes(volumes, bounds)
        (planned,) = volumes
        if planned.picture is None:
            raise TypeError("the volume was not planned as a picture")
        writer = self.picture_writer(planned, planned.picture, coding, bounds)
        writer.metadata = metadata
        return writer

    @abstractmethod
    def picture_writer(self, planned: PlannedVolume, picture: Picture, coding: Coding, bounds: Bounds) -> PictureWriter:
        """A writer of the format's own."""


class PictureWriter(BodyWriter, ABC):
    """Writes frames one by one into a file in memory, which becomes the body.

    Args:
        planned: the volume.
        picture: how to show it.
        coding: content coding of the body.
        bounds: max_picture_bytes.
        bytes_per_pixel: see `PictureFormat`.

    Attributes:
        file: what the library writes to.
        metadata: texts by name, for files that have a place for them.
    """

    metadata: Mapping[str, str] = NO_METADATA

    def __init__(
        self, planned: PlannedVolume, picture: Picture, coding: Coding, bounds: Bounds, bytes_per_pixel: int
    ) -> None:
        super().__init__((planned,), coding, RgbFrames(), b"")
        self.picture = picture
        self.length = None
        self.is_heavy = True
        height, width = picture.frame_shape
        images = math.ceil(len(picture.numbers) / (picture.rows * picture.columns))
        pixels = math.prod(picture.size)
        file_bytes = min(bounds.max_picture_bytes, images * (4 * pixels + _FRAME_BYTES) + _FILE_BYTES)
        # A BytesIO takes an eighth more memory than its content, and becomes the body without a copy.
        items_bytes = _ITEMS_ALIVE * min(max(3 * height * width, MAX_TILE_BYTES), planned.nbytes)
        self.buffer_bytes = pixels * bytes_per_pixel + items_bytes + file_bytes * 9 // 8
        self.file = BoundedFile(bounds)
        self._compressor = coding.compressor()
        self._canvas: UInt8 | None = None

    @property
    def overhead(self) -> int:
        """Maximum memory of the body until it is sent."""
        return self.buffer_bytes

    @property
    def canvas(self) -> UInt8:
        """An image with the caption and the legend, uint8 [H, W, 3]; frames are written into its upper part."""
        if self._canvas is None:
            picture = self.picture
            self._canvas = np.full((*picture.size, 3), BACKGROUND, np.uint8)
            if picture.strip.height:
                self._canvas[-picture.strip.height :] = picture.strip.pixels
        return self._canvas

    def encode(
        self, planned: PlannedVolume, tile: Tile, token: CancelToken = NEVER_CANCELLED
    ) -> tuple[EncodedChunk, float, float]:
        """Render a frame."""
        started = perf_counter()
        frame = self.picture.frame(tile.first, token)
        return EncodedChunk(frame.reshape(-1).data, frame.size), perf_counter() - started, 0.0

    def start(self) -> bytes:
        """No bytes: the file is sent when it is complete."""
        return b""

    def add(
        self, planned: PlannedVolume, chunk: EncodedChunk, *, first: bool, last: bool
    ) -> Sequence[bytes | memoryview]:
        """Write the frame into the file; no bytes are returned yet."""
        frame = np.frombuffer(chunk.data, np.uint8).reshape(*self.picture.frame_shape, 3)
        self.add_frame(frame)
        return ()

    def finish(self) -> bytes:
        """The file."""
        self.finish_file()
        return self._compressor.compress(self.file.getvalue()) + self._compressor.flush()

    @abstractmethod
    def add_frame(self, frame: UInt8) -> None:
        """Write the next frame, uint8 [H, W, 3] without caption and legend."""

    @abstractmethod
    def finish_file(self) -> None:
        """Write the end of the file, after the last frame."""


class BoundedFile(BytesIO):
    """A file in memory of at most `max_picture_bytes`."""

    def __init__(self, bounds: Bounds) -> None:
        super().__init__()
        self._bounds = bounds

    def write(self, data: Any, /) -> int:
        """Write bytes.

        Raises:
            LimitError: the file would be too large.
        """
        size = self.tell() + memoryview(data).nbytes
        self._bounds.check("max_picture_bytes", size, "bytes of a picture (use a smaller `scale`, or fewer `frames`)")
        return super().write(data)
