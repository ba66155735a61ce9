"""Triton interprets here too."""

from __future__ import annotations

from tests.draw.gpu.conftest import interpreter

__all__ = ["interpreter"]
