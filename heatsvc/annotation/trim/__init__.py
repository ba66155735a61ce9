"""Trim: frame counts of trimmed videos, from tables or the videos themselves. `read_trim` is the way in."""

from __future__ import annotations

from heatsvc.annotation.trim.frame_counts import Trim, read_trim

__all__ = ["Trim", "read_trim"]
