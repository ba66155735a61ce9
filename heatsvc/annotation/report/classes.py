"""Clips by split and by class."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from heatsvc.annotation.facts import ClipFacts, DatasetFacts


def by_split(facts: DatasetFacts) -> list[dict[str, Any]]:
    """Of each split its name and how many clips, zeros, frames, classes and signers it has."""
    rows = []
    clips_of: dict[str, list[ClipFacts]] = defaultdict(list)
    for clip in facts.clips:
        clips_of[clip.split].append(clip)
    for split in facts.splits:
        clips = clips_of[split]
        rows.append(
            {
                "name": split,
                "clips": len(clips),
                "zeros": sum(clip.zeros for clip in clips),
                "frames": sum(clip.frames for clip in clips),
                "classes": len({clip.label for clip in clips}),
                "signers": len({clip.signer for clip in clips if clip.signer}),
            }
        )
    return rows


def by_class(facts: DatasetFacts) -> list[dict[str, Any]]:
    """Of each class its index, its label and its clips by split; gaps in the indices are left out."""
    count = _count(facts)
    return [
        {"index": index, "label": label, "clips": {split: count[index, split] for split in facts.splits}}
        for index, label in enumerate(facts.classes)
        if label
    ]


def absent(facts: DatasetFacts) -> dict[str, list[str]]:
    """By split the labels of classes that have no clip in it."""
    count = _count(facts)
    return {
        split: [label for index, label in enumerate(facts.classes) if label and not count[index, split]]
        for split in facts.splits
    }


def _count(facts: DatasetFacts) -> Counter[tuple[int, str]]:
    return Counter((clip.label, clip.split) for clip in facts.clips)
