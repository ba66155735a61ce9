"""Trim: frame counts of trimmed videos, from tables or the videos themselves. `read_frame_counts` is the way in."""

from __future__ import annotations

from heatsvc.annotation.trim.frame_counts import FrameCounts, read_frame_counts

__all__ = ["FrameCounts", "read_frame_counts"]
