"""application/json: nested lists, for small volumes and languages without arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import ClassVar

import numpy as np
import orjson

from heatsvc.bounds import Bounds
from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.encode.codings import Coding, EncodedChunk
from heatsvc.encode.codings.identity import Identity
from heatsvc.encode.formats.format import NO_METADATA, BodyWriter, Format
from heatsvc.encode.job import PlannedVolume, check_sizes
from heatsvc.render.cpu import Tile

# Maximum length of a float32 or int16 in orjson's output, with its comma and its share of brackets.
_VALUE_BYTES = 20


class _JsonText(Identity):
    """Tiles as text: numbers are written from dense arrays."""

    def bound(self, size: int, pixels: int, runs: int, itemsize: int) -> int:
        return size // itemsize * _VALUE_BYTES


class Json(Format):
    """``{"clips": [{"name": .., "dtype": .., "shape": [..], "imgs": [[[[..]]]]}], "warnings": []}``."""

    media_type: ClassVar[str] = "application/json"
    title: ClassVar[str] = "Nested lists, for small volumes."

    def tile_coding(self, coding: Coding) -> Coding:
        """The coding that writes tiles as text."""
        return _JsonText()

    def writer(
        self,
        volumes: Sequence[PlannedVolume],
        coding: Coding,
        bounds: Bounds,
        metadata: Mapping[str, str] = NO_METADATA,
    ) -> BodyWriter:
        """All values as numbers."""
        values = sum(planned.nbytes // planned.itemsize for planned in volumes)
        bounds.check("max_json_values", values, "values for JSON (request application/x-npy)")
        check_sizes(volumes, bounds)
        return _JsonWriter(volumes, coding, self.tile_coding(coding))


class _JsonWriter(BodyWriter):
    """Text, compressed as it is written."""

    def __init__(self, volumes: Sequence[PlannedVolume], coding: Coding, tile_coding: Coding) -> None:
        super().__init__(volumes, coding, tile_coding, b"")
        self.length = None
        self.is_heavy = True
        self._compressor = coding.compressor()
        self._separator = b'{"clips":['

    @property
    def overhead(self) -> int:
        names = sum(256 + 6 * len(planned.name) for planned in self.volumes)
        return 256 + names + len(orjson.dumps(self.warnings))

    def encode(
        self, planned: PlannedVolume, tile: Tile, token: CancelToken = NEVER_CANCELLED
    ) -> tuple[EncodedChunk, float, float]:
        chunk, render_seconds, encode_seconds = super().encode(planned, tile, token)
        started = perf_counter()
        text = _nested_text(planned, tile, np.frombuffer(chunk.data, planned.dtype))
        return EncodedChunk(text, len(text)), render_seconds, encode_seconds + perf_counter() - started

    def start(self) -> bytes:
        """No bytes: the beginning is compressed together with the first tile."""
        return b""

    def add(
        self, planned: PlannedVolume, chunk: EncodedChunk, *, first: bool, last: bool
    ) -> Sequence[bytes | memoryview]:
        before = b""
        if first:
            members = {"name": planned.name, "dtype": planned.dtype, "shape": planned.shape}
            before = self._separator + orjson.dumps(members)[:-1] + b',"imgs":'
            self._separator = b","
        return (self._compressor.compress(before + bytes(chunk.data) + (b"}" if last else b"")),)

    def finish(self) -> bytes:
        return self._compressor.compress(b'],"warnings":%s}' % orjson.dumps(self.warnings)) + self._compressor.flush()


def _nested_text(planned: PlannedVolume, tile: Tile, values: np.ndarray) -> bytes:
    """Maps `tile.first` up to, not including, `tile.last` as part of the array's nested lists."""
    # orjson does not write float16; float32 represents all float16 values.
    array = values.astype(np.float32) if planned.dtype == "float16" else values
    maps = array.reshape(-1, *planned.shape[-2:])
    # A list begins before map i, and ends after it, for each axis that begins or ends with it.
    outer = planned.shape[:-2]
    periods = [math.prod(outer[axis:]) for axis in range(len(outer))]
    parts = []
    for place, each in enumerate(maps, tile.first):
        opened = sum(place % period == 0 for period in periods)
        closed = sum((place + 1) % period == 0 for period in periods)
        parts.append(b"," if place else b"")
        parts.append(b"[" * opened + orjson.dumps(each, option=orjson.OPT_SERIALIZE_NUMPY) + b"]" * closed)
    return b"".join(parts)
