"""Selects compiled kernels, `heatsvc._native`, or reference kernels: NumPy, zlib and zstandard."""

from __future__ import annotations

import os
import sys
import warnings
from importlib.machinery import PathFinder
from typing import Any, Literal

try:
    from heatsvc import _native as compiled
except ImportError:  # installed on a machine without a C++ compiler
    compiled = None

_NO_KERNELS = "install a C++20 compiler and heatsvc again, or one of its wheels"
_HIDDEN_KERNELS = (
    "the folder that Python was started in has heatsvc's source, which hides the installed heatsvc and its kernels: "
    "install with `pip install -e .` there, or start in another folder"
)


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
            raise KernelsError(f"HEATSVC_KERNELS=native, but there are no compiled kernels: {_how_to_install()}")
        self.native = None if choice == "reference" else compiled
        self._to_warn = choice == "auto" and compiled is None

    @property
    def name(self) -> Literal["native", "reference"]:
        """Native or reference."""
        return "reference" if self.native is None else "native"

    @property
    def hint(self) -> str | None:
        """How to get compiled kernels; None where they are in use."""
        if self.native is not None:
            return None
        return _how_to_install() if compiled is None else "set HEATSVC_KERNELS=auto"

    def warn_if_missing(self) -> None:
        """Warn the caller's caller, once, where auto found no compiled kernels."""
        if self._to_warn:
            self._to_warn = False
            warnings.warn(f"heatsvc renders with NumPy, many times slower: {self.hint}", stacklevel=3)


def _how_to_install() -> str:
    """What makes `heatsvc._native` importable, which it is not now."""
    packages = [os.path.join(folder, "heatsvc") for folder in sys.path]
    return _NO_KERNELS if PathFinder.find_spec("heatsvc._native", packages) is None else _HIDDEN_KERNELS


KERNELS = Kernels()
