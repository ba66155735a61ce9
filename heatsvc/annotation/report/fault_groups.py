"""Faults by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from heatsvc.annotation.faults import KINDS, Fault


def fault_groups(faults: Iterable[Fault]) -> list[dict[str, Any]]:
    """Of each kind that occurs its meaning, what became of the videos, and the faults in the order of their names."""
    by_kind: dict[str, list[Fault]] = {}
    for fault in faults:
        by_kind.setdefault(fault.kind, []).append(fault)
    return [
        {
            "kind": kind,
            "meaning": meaning,
            "count": len(by_kind[kind]),
            "done": dict(sorted(Counter(fault.done for fault in by_kind[kind] if fault.done).items())),
            "items": [
                {"name": fault.name, "file": fault.file, "detail": fault.detail, "done": fault.done}
                for fault in sorted(by_kind[kind], key=lambda fault: (fault.name, fault.file or "", fault.detail))
            ],
        }
        for kind, meaning in KINDS.items()
        if kind in by_kind
    ]
