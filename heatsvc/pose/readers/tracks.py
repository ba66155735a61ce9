"""Rows of tracked persons: each keeps one row of a clip, and persons who are never seen together may share one."""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Mapping
from typing import TypeVar

Track = TypeVar("Track", bound=Hashable)


def assign_rows(tracks: Mapping[Track, tuple[int, int]]) -> dict[Track, int]:
    """The row of each track: as few rows as there are tracks at a time.

    A track takes the first row that no other has from its first frame to its last; a tracker that loses a person and
    finds them again under a new number would otherwise need a row for each number.

    Args:
        tracks: first and last frame of each.

    Returns:
        by track, rows from 0 on; tracks that begin together have rows in the order of `tracks`.
    """
    rows: dict[Track, int] = {}
    free: list[int] = []
    taken: list[tuple[int, int]] = []
    count = 0
    for track, (first, last) in sorted(tracks.items(), key=lambda item: item[1][0]):
        while taken and taken[0][0] < first:
            heapq.heappush(free, heapq.heappop(taken)[1])
        if free:
            row = heapq.heappop(free)
        else:
            row, count = count, count + 1
        heapq.heappush(taken, (last, row))
        rows[track] = row
    return rows
