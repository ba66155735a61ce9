"""application/json: nested lists, for a small volume and a language without arrays."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np
import orjson

from heatsvc.bounds import Bounds
from heatsvc.encode.body import Body
from heatsvc.encode.codings import Coding, EncodedChunk
from heatsvc.encode.codings.identity import Identity
from heatsvc.encode.drawing import Drawing, check_work
from heatsvc.encode.layout import Layout

_DENSE = Identity()  # numbers are written from dense arrays


class Json:
    """``{"clips": [{"name": .., "dtype": .., "shape": [..], "imgs": [[[[..]]]]}]}``."""

    media_type: ClassVar[str] = "application/json"
    title: ClassVar[str] = "Nested lists, for small volumes."
    many: ClassVar[bool] = True
    compressed: ClassVar[bool] = False

    def layout(self, drawings: Sequence[Drawing], coding: Coding, bounds: Bounds) -> Layout:
        """All values as numbers."""
        values = sum(drawing.nbytes // drawing.itemsize for drawing in drawings)
        bounds.check("max_json_values", values, "values for JSON (ask for application/x-npy)")
        check_work(drawings, bounds)
        return Layout(drawings, _DENSE, partial(_document, drawings, coding))


def _document(drawings: Sequence[Drawing], coding: Coding, drawn: Sequence[Sequence[EncodedChunk]]) -> Body:
    clips = [_clip(drawing, pieces) for drawing, pieces in zip(drawings, drawn, strict=True)]
    text = orjson.dumps({"clips": clips}, option=orjson.OPT_SERIALIZE_NUMPY)
    return Body([coding.compress(text)], coding.name)


def _clip(drawing: Drawing, pieces: Sequence[EncodedChunk]) -> dict[str, Any]:
    array = np.frombuffer(b"".join(piece.data for piece in pieces), drawing.dtype).reshape(drawing.shape)
    # orjson writes no float16; float32 holds every one of them.
    imgs = array.astype(np.float32) if drawing.dtype == "float16" else array
    return {"name": drawing.name, "dtype": drawing.dtype, "shape": drawing.shape, "imgs": imgs}
