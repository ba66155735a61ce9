"""Trim: how many of its last frames each video keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from heatsvc.annotation.faults import Fault


@dataclass(frozen=True, slots=True)
class Trim:
    """Frame counts of trimmed videos.

    Attributes:
        frames: position in the labels' rows, and the number of frames, 1 at least.
        faults: counts of videos that no label knows.
    """

    frames: Mapping[int, int]
    faults: tuple[Fault, ...]
