"""application/vnd.safetensors: many tensors by name, in one stretch of memory behind a JSON header."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import orjson

from heatsvc.bounds import Bounds
from heatsvc.encode.body import body_behind
from heatsvc.encode.codings import Coding
from heatsvc.encode.drawing import Drawing, check_sizes
from heatsvc.encode.layout import Layout
from heatsvc.errors import InputError

# The header's own entry, of texts (format description of safetensors).
_RESERVED = "__metadata__"
_DTYPES = {"float32": "F32", "float16": "F16", "uint8": "U8", "int16": "I16"}


class Safetensors:
    """One tensor a clip, read by `safetensors.numpy.load` and `safetensors.torch.load`."""

    media_type: ClassVar[str] = "application/vnd.safetensors"
    title: ClassVar[str] = "One tensor a clip, named by its frame_dir, for safetensors.torch.load."
    many: ClassVar[bool] = True
    compressed: ClassVar[bool] = False

    def layout(self, drawings: Sequence[Drawing], coding: Coding, bounds: Bounds) -> Layout:
        """Header and volumes.

        Raises:
            InputError: a clip's name is the one that the format keeps for itself.
            LimitError: larger than `bounds` allow.
        """
        if any(drawing.name == _RESERVED for drawing in drawings):
            raise InputError(f"a safetensors file cannot hold a tensor called {_RESERVED}", field="frame_dir")
        check_sizes(drawings, coding, bounds)
        size = sum(drawing.nbytes for drawing in drawings)
        return Layout(drawings, coding, partial(body_behind, safetensors_header(drawings), size, coding))


def safetensors_header(drawings: Sequence[Drawing]) -> bytes:
    """Eight bytes of length, then a JSON object, padded with blanks so that the tensors begin on eight bytes."""
    header: dict[str, object] = {}
    at = 0
    for drawing in drawings:
        header[drawing.name] = {
            "dtype": _DTYPES[drawing.dtype],
            "shape": drawing.shape,
            "data_offsets": (at, at + drawing.nbytes),
        }
        at += drawing.nbytes
    text = orjson.dumps(header)
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text
