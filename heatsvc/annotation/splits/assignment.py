"""Assignment: which split each video is in, and what was wrong with that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from heatsvc.annotation.faults import Fault
from heatsvc.annotation.labels.rows import LabelRow
from heatsvc.annotation.options import AnnotationOptions

_FEW = 5


@dataclass(frozen=True, slots=True)
class Assignment:
    """Videos and splits.

    Attributes:
        split_of: the split of each row of the labels, None where it is dropped.
        splits: names of the splits in their order.
        faults: videos in two splits, in none, or unknown to the labels, with what became of each.
    """

    split_of: tuple[str | None, ...]
    splits: tuple[str, ...]
    faults: tuple[Fault, ...]


def apply_policy(
    rows: Sequence[LabelRow],
    claims: Sequence[Sequence[str]],
    splits: Sequence[str],
    options: AnnotationOptions,
    *,
    file: str | None,
    why_none: Iterable[str],
    others: Sequence[Fault] = (),
) -> Assignment:
    """What the policy makes of the splits that claim each video.

    Args:
        rows: the videos.
        claims: for each row the splits that name it, in the order of `splits`, each once.
        splits: all splits.
        options: split_policy.
        file: the split file, None for a rule.
        why_none: for each row, what to say if no split claims it.
        others: faults to be told too.
    """
    policy = options.split_policy
    refused = "refused" if policy == "error" else "dropped"
    split_of: list[str | None] = []
    faults: list[Fault] = []
    for row, claimed, why in zip(rows, claims, why_none, strict=True):
        if len(claimed) == 1:
            split_of.append(claimed[0])
            continue
        if not claimed:
            split_of.append(None)
            faults.append(Fault("in_no_split", row.video.text, why, file, refused))
            continue
        kept = claimed[0] if policy == "first" else None
        split_of.append(kept)
        detail = f"in {splits_text(claimed)}: a video belongs in one split"
        faults.append(Fault("in_two_splits", row.video.text, detail, file, f"kept in {kept}" if kept else refused))
    return Assignment(tuple(split_of), tuple(splits), (*faults, *others))


def splits_text(splits: Sequence[str]) -> str:
    """Splits in a row, for messages: a file may put each of many videos into each of many."""
    more = f" and {len(splits) - _FEW:,} more" if len(splits) > _FEW else ""
    return " and ".join(splits[:_FEW]) + more
