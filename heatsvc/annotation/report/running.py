"""RunningReport: what has been found while a build reads its files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from heatsvc.annotation.faults import KINDS, Fault, Kind
from heatsvc.annotation.statistics import ClipStatistics

_NAMED = 5


class RunningReport:
    """Counts of the clips and faults so far; extending them takes as long as what is new.

    Args:
        splits: names of the splits, in their order.
    """

    def __init__(self, splits: Sequence[str]) -> None:
        self._clips = dict.fromkeys(splits, 0)
        self._frames = dict.fromkeys(splits, 0)
        self._faults: dict[Kind, list[Fault]] = {}
        self._counts: dict[Kind, int] = {}

    def add(self, clips: Iterable[ClipStatistics], faults: Iterable[Fault]) -> None:
        """Count more clips and faults."""
        for clip in clips:
            self._clips[clip.split] = self._clips.get(clip.split, 0) + 1
            self._frames[clip.split] = self._frames.get(clip.split, 0) + clip.frames
        for fault in faults:
            self._counts[fault.kind] = self._counts.get(fault.kind, 0) + 1
            named = self._faults.setdefault(fault.kind, [])
            if len(named) < _NAMED:
                named.append(fault)

    def to_json(self) -> dict[str, Any]:
        """`splits` and `faults` as in the report, with the first faults of each kind."""
        return {
            "splits": [
                {"name": name, "clips": clips, "frames": self._frames[name]} for name, clips in self._clips.items()
            ],
            "faults": [
                {"kind": kind, "meaning": meaning, "count": self._counts[kind], "items": [*map(_item, named)]}
                for kind, meaning in KINDS.items()
                if (named := self._faults.get(kind))
            ],
        }


def _item(fault: Fault) -> dict[str, Any]:
    return {key: value for key, value in asdict(fault).items() if key != "kind"}
