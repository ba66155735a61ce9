"""Triton interprets here too."""

from __future__ import annotations

from tests.render.cuda.conftest import interpreter

__all__ = ["interpreter"]
