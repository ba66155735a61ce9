"""application/json: nested lists, for a small volume and a language without arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import orjson

from heatsvc.bounds import Bounds
from heatsvc.encode.body import Body
from heatsvc.encode.codings import Coding
from heatsvc.encode.crew import Crew
from heatsvc.encode.drawing import Drawing, check_work


class Json:
    """``{"clips": [{"name": .., "dtype": .., "shape": [..], "imgs": [[[[..]]]]}]}``."""

    media_type: ClassVar[str] = "application/json"
    title: ClassVar[str] = "Nested lists, for small volumes."
    many: ClassVar[bool] = True
    compressed: ClassVar[bool] = False

    def write(self, drawings: Sequence[Drawing], coding: Coding, crew: Crew, bounds: Bounds) -> Body:
        """All values as numbers."""
        values = sum(drawing.nbytes // drawing.itemsize for drawing in drawings)
        bounds.check("max_json_values", values, "values for JSON (ask for application/x-npy)")
        check_work(drawings, bounds)
        clips = crew.map(lambda drawing: _clip(drawing, crew), drawings)
        text = orjson.dumps({"clips": clips}, option=orjson.OPT_SERIALIZE_NUMPY)
        return Body([coding.compress(text)], coding.name)


def _clip(drawing: Drawing, crew: Crew) -> dict[str, Any]:
    array = drawing.array(crew.check)
    # orjson writes no float16; float32 holds every one of them.
    imgs = array.astype(np.float32) if drawing.dtype == "float16" else array
    return {"name": drawing.name, "dtype": drawing.dtype, "shape": drawing.shape, "imgs": imgs}
