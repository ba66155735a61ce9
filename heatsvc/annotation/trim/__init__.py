"""Frame counts of trimmed videos, from tables or from the videos themselves."""

from __future__ import annotations

from heatsvc.annotation.trim.frame_counts import FrameCounts, read_frame_counts

__all__ = ["FrameCounts", "read_frame_counts"]
