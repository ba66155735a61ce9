"""The library under the service: what `POST /heatmap` does, for programs in Python, without HTTP."""

from __future__ import annotations

from heatsvc.library.drawing import draw
from heatsvc.library.reading import read

__all__ = ["draw", "read"]
