"""Selects compiled kernels, `heatsvc._native`, or reference kernels: NumPy, zlib and zstandard."""

from __future__ import annotations

import os
from typing import Any, Literal

try:
    from heatsvc import _native as compiled
except ImportError:  # installed on a machine without a C++ compiler
    compiled = None

_HINT = "install a C++20 compiler and heatsvc again, or one of its wheels"


class KernelsError(RuntimeError):
    """The compiled kernels are required, and are not installed."""


class Kernels:
    """The kernels in use.

    Attributes:
        native: the compiled module; None where the slower reference computes.
    """

    def __init__(self) -> None:
        self.native: Any = None
        self.use(os.environ.get("HEATSVC_KERNELS", "auto"))

    def use(self, choice: str) -> None:
        """Compute with other kernels from now on.

        Args:
            choice: auto takes the compiled ones if they are installed.

        Raises:
            KernelsError: native, and they are not installed; or no such choice.
        """
        if choice not in ("auto", "native", "reference"):
            raise KernelsError(f"HEATSVC_KERNELS={choice:.60}: it is auto, native or reference")
        if choice == "native" and compiled is None:
            raise KernelsError(f"HEATSVC_KERNELS=native, but the compiled kernels are not installed: {_HINT}")
        self.native = None if choice == "reference" else compiled

    @property
    def name(self) -> Literal["native", "reference"]:
        """Native or reference."""
        return "reference" if self.native is None else "native"

    @property
    def hint(self) -> str | None:
        """How to get compiled kernels; None where they are in use."""
        if self.native is not None:
            return None
        return _HINT if compiled is None else "set HEATSVC_KERNELS=auto"


KERNELS = Kernels()
