"""heatsvc: human keypoints in, Gaussian heatmap volumes out.

The library under the service: `heatsvc.draw` and `heatsvc.read` without HTTP, `heatsvc.torch` for training. Each is
loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from heatsvc import torch
    from heatsvc.library import draw, read

__version__ = "0.1.0"
__all__ = ["__version__", "draw", "read", "torch"]


def __getattr__(name: str) -> Any:
    if name in ("draw", "read"):
        return getattr(importlib.import_module("heatsvc.library"), name)
    if name == "torch":
        return importlib.import_module("heatsvc.torch")
    raise AttributeError(f"module 'heatsvc' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
