"""Selects the compiled kernels (`heatsvc._native`) or the reference kernels (NumPy, zlib and zstandard)."""

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

_NO_KERNELS = "install a C++20 compiler and reinstall heatsvc, or install a wheel"
_HIDDEN_KERNELS = (
    "the working directory has heatsvc's source, which hides the installed package and its kernels: run `pip install "
    "-e .` there, or start Python in another directory"
)


class KernelsError(RuntimeError):
    """The compiled kernels are required but not installed."""


class Kernels:
    """The kernels in use.

    Attributes:
        native: the compiled module; None if the reference kernels are in use.
    """

    def __init__(self) -> None:
        self.native: Any = None
        self.use(os.environ.get("HEATSVC_KERNELS", "auto"))

    def use(self, choice: str) -> None:
        """Choose the kernels.

        Args:
            choice: ``native``, ``reference``, or ``auto``: native if they are installed.

        Raises:
            KernelsError: native kernels are not installed, or the choice is unknown.
        """
        if choice not in ("auto", "native", "reference"):
            raise KernelsError(f"HEATSVC_KERNELS must be auto, native or reference, not {choice:.60}")
        if choice == "native" and compiled is None:
            raise KernelsError(
                f"HEATSVC_KERNELS is native, but the compiled kernels are not installed: {_how_to_install()}"
            )
        self.native = None if choice == "reference" else compiled
        self._to_warn = choice == "auto" and compiled is None

    @property
    def name(self) -> Literal["native", "reference"]:
        """``native`` or ``reference``."""
        return "reference" if self.native is None else "native"

    @property
    def hint(self) -> str | None:
        """How to get compiled kernels; None if they are in use."""
        if self.native is not None:
            return None
        return _how_to_install() if compiled is None else "set HEATSVC_KERNELS=auto"

    def warn_if_missing(self) -> None:
        """Warn once, at the caller's caller, if `auto` found no compiled kernels."""
        if self._to_warn:
            self._to_warn = False
            warnings.warn(
                f"heatsvc renders with NumPy, which is many times slower than compiled kernels: {self.hint}",
                stacklevel=3,
            )


def _how_to_install() -> str:
    """How to make `heatsvc._native` importable."""
    packages = [os.path.join(folder, "heatsvc") for folder in sys.path]
    return _NO_KERNELS if PathFinder.find_spec("heatsvc._native", packages) is None else _HIDDEN_KERNELS


KERNELS = Kernels()
