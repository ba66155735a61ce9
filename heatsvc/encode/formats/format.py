"""Format: a media type, and how to write a body of it from encoded tiles."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from time import perf_counter
from types import MappingProxyType
from typing import ClassVar

from heatsvc.bounds import Bounds
from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.encode.codings import Coding, EncodedChunk
from heatsvc.encode.codings.identity import Identity
from heatsvc.encode.job import PlannedVolume
from heatsvc.render.cpu import DType, Tile
from heatsvc.render.picture_options import PictureOptions
from heatsvc.volume import HeatmapVolume

_IDENTITY = Identity()

NO_METADATA: Mapping[str, str] = MappingProxyType({})
"""The metadata of a body that has none."""


class BodyWriter:
    """Writes one body: a header, the tiles of all volumes in order, and the end of the coding.

    This class writes formats in which all volumes follow one header. `encode` may be called by several threads at once;
    `start`, `add` and `finish` are called in this order, one at a time.

    Args:
        volumes: the volumes of the body.
        coding: content coding of the body.
        tile_coding: coding of the tiles: the format's own if it has one; else the body's, or identity if the body is
            encoded as one stream.
        header: the bytes before the volumes, not encoded.

    Attributes:
        coding: content coding of the body.
        tile_coding: coding of the tiles.
        length: size of the encoded body in bytes if it is known before rendering, else None.
        is_heavy: whether `add` and `finish` may take more than a millisecond.
        buffer_bytes: memory for the whole body and its tiles until it is sent, if it must be complete before it is
            sent; 0 for a body that is sent while it is written.
        warnings: warnings about the volumes, for formats that include them; set before the body is planned.
    """

    warnings: Sequence[Mapping[str, str | int]] = ()
    buffer_bytes: int = 0

    def __init__(self, volumes: Sequence[PlannedVolume], coding: Coding, tile_coding: Coding, header: bytes) -> None:
        self.volumes = volumes
        self.coding = coding
        self.tile_coding = tile_coding
        self.is_heavy = not coding.makes_chunks
        self._header = header
        self._size = len(header) + sum(planned.nbytes for planned in volumes)
        self.length: int | None = self._size if coding.name == "identity" else None
        self._stream = coding.compressor(self._size) if self.is_heavy else None
        self._chunks: list[EncodedChunk] = []

    @property
    def overhead(self) -> int:
        """Maximum size of the encoded body in bytes, without its tiles."""
        return len(self._header) + 256

    def encode(
        self, planned: PlannedVolume, tile: Tile, token: CancelToken = NEVER_CANCELLED
    ) -> tuple[EncodedChunk, float, float]:
        """Render and encode a tile on the CPU; return the chunk, and the seconds of rendering and of encoding."""
        started = perf_counter()
        encode_patches = self.tile_coding.encode_patches
        patches = planned.render_patches(tile) if encode_patches else None
        if patches and encode_patches:
            rendered = perf_counter()
            chunk = encode_patches(patches)
        else:
            runs = planned.render(tile, token)
            rendered = perf_counter()
            chunk = self.tile_coding.encode_runs(runs)
        return chunk, rendered - started, perf_counter() - rendered

    def start(self) -> bytes:
        """The bytes before the first tile."""
        if self._stream is not None:
            return self._stream.compress(self._header)
        chunk = self.coding.encode_bytes(self._header)
        self._remember(chunk)
        return self.coding.head(self._size) + bytes(chunk.data)

    def add(
        self, planned: PlannedVolume, chunk: EncodedChunk, *, first: bool, last: bool
    ) -> Sequence[bytes | memoryview]:
        """The bytes of the next tile.

        Args:
            planned: the volume of the tile.
            chunk: the encoded tile, or tiles.
            first: whether it begins its volume.
            last: whether it ends its volume.
        """
        if self._stream is not None:
            return (self._stream.compress(bytes(chunk.data)),)
        self._remember(chunk)
        return (chunk.data,) if len(chunk.data) else ()

    def finish(self) -> bytes:
        """The bytes after the last tile."""
        return self.coding.tail(self._chunks) if self._stream is None else self._stream.flush()

    def _remember(self, chunk: EncodedChunk) -> None:
        """Store the size and checksum for `finish`."""
        self._chunks.append(EncodedChunk(b"", chunk.size, chunk.checksum))


class Format(ABC):
    """A format of response bodies."""

    media_type: ClassVar[str]
    title: ClassVar[str]
    many: ClassVar[bool] = True
    """Whether one body can hold more than one volume."""
    compressed: ClassVar[bool] = False
    """Whether the format compresses: its body then needs no content coding."""
    has_metadata: ClassVar[bool] = False
    """Whether a body can hold metadata."""
    is_picture: ClassVar[bool] = False
    """Whether it is a picture, which is sent only if `Accept` names it."""

    def is_available(self) -> bool:
        """Whether the libraries that the format needs are installed. May import them: call it in a thread."""
        return True

    def tile_coding(self, coding: Coding) -> Coding:
        """The coding of tiles in a body with a content coding."""
        return coding if coding.makes_chunks else _IDENTITY

    def plan(
        self,
        name: str,
        volume: HeatmapVolume,
        dtype: DType,
        coding: Coding,
        bounds: Bounds,
        token: CancelToken = NEVER_CANCELLED,
        *,
        picture: PictureOptions,
        caption_font: str = "",
    ) -> PlannedVolume:
        """Plan a volume for a body of this format; for the arguments see `PlannedVolume.plan` and `Picture.plan`."""
        return PlannedVolume.plan(name, volume, dtype, self.tile_coding(coding), token)

    @abstractmethod
    def writer(
        self,
        volumes: Sequence[PlannedVolume],
        coding: Coding,
        bounds: Bounds,
        metadata: Mapping[str, str] = NO_METADATA,
    ) -> BodyWriter:
        """A writer for a body.

        Args:
            volumes: the volumes of the body.
            coding: content coding of the body.
            bounds: limits of the volumes.
            metadata: texts by name, for formats that have a place for them.

        Raises:
            LimitError: a bound is exceeded.
            InputError: the format cannot hold the volumes.
        """
