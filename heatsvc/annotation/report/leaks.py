"""Leaks: what two splits share, so that a test tells less than it seems to."""

from __future__ import annotations

from collections import Counter
from typing import Any

from heatsvc.annotation.facts import ClipFacts, DatasetFacts


def leaks(facts: DatasetFacts) -> dict[str, Any]:
    """Names, points and signers that are in more than one split."""
    return {"names": _names(facts), "content": _content(facts), "signers": _signers(facts)}


def _names(facts: DatasetFacts) -> list[dict[str, Any]]:
    """Videos that two splits name, as it was found when the splits were read."""
    found = (fault for fault in facts.faults if fault.kind == "in_two_splits")
    return [
        {"name": fault.name, "detail": fault.detail, "done": fault.done}
        for fault in sorted(found, key=lambda fault: (fault.name, fault.detail))
    ]


def _content(facts: DatasetFacts) -> list[dict[str, Any]]:
    """Groups of clips with the same points; those of one split alone are no leak."""
    equal: dict[str, list[ClipFacts]] = {}
    for clip in facts.clips:
        if clip.digest:
            equal.setdefault(clip.digest, []).append(clip)
    return [
        {"clips": [{"name": clip.name, "split": clip.split, "label": _label(facts, clip)} for clip in clips]}
        for clips in equal.values()
        if len({clip.split for clip in clips}) > 1
    ]


def _signers(facts: DatasetFacts) -> list[dict[str, Any]]:
    count = Counter((clip.signer, clip.split) for clip in facts.clips if clip.signer)
    order = {split: position for position, split in enumerate(facts.splits)}
    by_signer: dict[str, dict[str, int]] = {}
    pairs = (pair for pair in count if pair[1] in order)
    for signer, split in sorted(pairs, key=lambda pair: (len(pair[0]), pair[0], order[pair[1]])):
        by_signer.setdefault(signer, {})[split] = count[signer, split]
    return [{"signer": signer, "clips": clips} for signer, clips in by_signer.items() if len(clips) > 1]


def _label(facts: DatasetFacts, clip: ClipFacts) -> str:
    return facts.classes[clip.label] if 0 <= clip.label < len(facts.classes) else str(clip.label)
