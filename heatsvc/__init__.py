"""heatsvc: human keypoints in, Gaussian heatmap volumes out.

The library under the service: `heatsvc.draw` and `heatsvc.read` without HTTP, `heatsvc.torch` for training. Each is
loaded when it is first used.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from heatsvc import torch
    from heatsvc.library import draw, read

__version__ = "0.1.0"
__all__ = ["__version__", "draw", "read", "torch"]


class _DrawingRoom(ModuleType):
    """The room `heatsvc/draw/`, which can be called as well: `heatsvc.draw(clip)` is `heatsvc.library.draw`.

    Python sets a package's room as its attribute as soon as anything imports that room, so no function of the same
    name could stand there for long.
    """

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Draw clips; see `heatsvc.library.draw`."""
        return self.__wrapped__(*args, **options)

    @property
    def __wrapped__(self) -> Any:
        """Whose signature `inspect` and editors show."""
        return importlib.import_module("heatsvc.library").draw


class _Package(ModuleType):
    """The package; makes its room `draw` one that can be called, whoever imports it first."""

    def __setattr__(self, name: str, value: object) -> None:
        if name == "draw" and type(value) is ModuleType:
            value.__class__ = _DrawingRoom
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name == "read":
        return importlib.import_module("heatsvc.library").read
    if name in ("draw", "torch"):
        return importlib.import_module(f"heatsvc.{name}")
    raise AttributeError(f"module 'heatsvc' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
