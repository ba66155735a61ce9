"""application/vnd.safetensors: a JSON header, then named tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import orjson

from heatsvc.bounds import Bounds
from heatsvc.encode.codings import Coding
from heatsvc.encode.formats.format import BodyWriter, Format
from heatsvc.encode.job import PlannedVolume, check_sizes
from heatsvc.errors import InputError

# The header's entry for metadata (format description of safetensors).
_RESERVED = "__metadata__"
_DTYPES = {"float32": "F32", "float16": "F16", "uint8": "U8", "int16": "I16"}


class Safetensors(Format):
    """One tensor per clip, read by `safetensors.numpy.load` and `safetensors.torch.load`."""

    media_type: ClassVar[str] = "application/vnd.safetensors"
    title: ClassVar[str] = "One tensor per clip, named by its frame_dir, for safetensors.torch.load."

    def writer(self, volumes: Sequence[PlannedVolume], coding: Coding, bounds: Bounds) -> BodyWriter:
        """A writer of the header and the volumes.

        Raises:
            InputError: a clip has a name that the format reserves.
            LimitError: larger than `bounds` allow.
        """
        if any(planned.name == _RESERVED for planned in volumes):
            raise InputError(
                f"a tensor of a safetensors file cannot be called {_RESERVED}: change the clip's frame_dir",
                field="frame_dir",
            )
        check_sizes(volumes, bounds)
        return BodyWriter(volumes, coding, safetensors_header(volumes))


def safetensors_header(volumes: Sequence[PlannedVolume]) -> bytes:
    """The length in eight bytes, then a JSON object, padded with spaces so that tensors are aligned to eight bytes."""
    header: dict[str, object] = {}
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
