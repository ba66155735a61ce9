"""How long clips are."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterable
from typing import Any

from heatsvc.annotation.facts import ClipFacts

_MOST_BINS = 40


def frames(clips: Iterable[ClipFacts]) -> dict[str, Any]:
    """Count, smallest, mean, median and largest number of frames, and a histogram, of all clips that are not zeros."""
    lengths = [clip.frames for clip in clips if not clip.zeros]
    if not lengths:
        return {
            "count": 0,
            **dict.fromkeys(("min", "mean", "median", "max")),
            "histogram": {"start": 0, "width": 1, "counts": []},
        }
    return {
        "count": len(lengths),
        "min": min(lengths),
        "mean": round(statistics.fmean(lengths), 2),
        "median": statistics.median(lengths),
        "max": max(lengths),
        "histogram": _histogram(lengths),
    }


def _histogram(lengths: list[int]) -> dict[str, Any]:
    """Bins as wide as 1, 2 or 5 times a power of ten, from a multiple of that on, and not too many."""
    low, high = min(lengths), max(lengths)
    widths = (step * 10**power for power in itertools.count() for step in (1, 2, 5))
    width = next(width for width in widths if high // width - low // width < _MOST_BINS)
    first = low // width
    counts = [0] * (high // width - first + 1)
    for length in lengths:
        counts[length // width - first] += 1
    return {"start": first * width, "width": width, "counts": counts}
