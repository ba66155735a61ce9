"""Triton interprets here too."""

from __future__ import annotations

from tests.render.gpu.conftest import interpreter

__all__ = ["interpreter"]
