"""Trim: frame counts of trimmed videos, from tables or the videos themselves. `read_trim` is the way in."""

from __future__ import annotations

from heatsvc.annotation.trim.read import read_trim
from heatsvc.annotation.trim.trim import Trim

__all__ = ["Trim", "read_trim"]
