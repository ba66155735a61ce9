"""application/vnd.safetensors: a JSON header, then named tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import orjson

from heatsvc.bounds import Bounds
from heatsvc.encode.codings import Coding
from heatsvc.encode.formats.format import NO_METADATA, BodyWriter, Format
from heatsvc.encode.job import PlannedVolume, check_sizes
from heatsvc.errors import InputError

# The header's own entry, of texts (format description of safetensors).
_METADATA = "__metadata__"
_DTYPES = {"float32": "F32", "float16": "F16", "uint8": "U8", "int16": "I16"}


class Safetensors(Format):
    """One tensor per clip, read by `safetensors.numpy.load` and `safetensors.torch.load`."""

    media_type: ClassVar[str] = "application/vnd.safetensors"
    title: ClassVar[str] = "One tensor per clip, named by its frame_dir, for safetensors.torch.load."
    has_metadata: ClassVar[bool] = True

    def writer(
        self,
        volumes: Sequence[PlannedVolume],
        coding: Coding,
        bounds: Bounds,
        metadata: Mapping[str, str] = NO_METADATA,
    ) -> BodyWriter:
        """Header and volumes.

        Raises:
            InputError: a clip has a name that the format reserves.
            LimitError: larger than `bounds` allow.
        """
        if any(planned.name == _METADATA for planned in volumes):
            raise InputError(f"a safetensors file cannot hold a tensor called {_METADATA}", field="frame_dir")
        check_sizes(volumes, bounds)
        return BodyWriter(volumes, coding, self.tile_coding(coding), safetensors_header(volumes, metadata))


def safetensors_header(volumes: Sequence[PlannedVolume], metadata: Mapping[str, str]) -> bytes:
    """Eight bytes of length, then a JSON object, padded with blanks so that the tensors begin on eight bytes."""
    header: dict[str, object] = {_METADATA: dict(metadata)} if metadata else {}
    offset = 0
    for planned in volumes:
        header[planned.name] = {
            "dtype": _DTYPES[planned.dtype],
            "shape": planned.shape,
            "data_offsets": (offset, offset + planned.nbytes),
        }
        offset += planned.nbytes
    text = orjson.dumps(header)
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text
