"""Assignment: the split of each video, and the faults that were found on the way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from heatsvc.annotation.faults import Fault
from heatsvc.annotation.labels.rows import LabelRow

_MAX_NAMED = 5


@dataclass(frozen=True, slots=True)
class Assignment:
    """Videos and splits.

    Attributes:
        split_of: the split of each row of the labels, None where it is dropped.
        splits: names of the splits in their order.
        faults: videos in two splits, in none, or not in the labels, and what became of each.
    """

    split_of: tuple[str | None, ...]
    splits: tuple[str, ...]
    faults: tuple[Fault, ...]


def resolve_splits(
    rows: Sequence[LabelRow],
    claims: Sequence[Sequence[str]],
    splits: Sequence[str],
    policy: str,
    *,
    file: str | None,
    no_split: Iterable[str],
    other_faults: Sequence[Fault] = (),
) -> Assignment:
    """Assign each video to the split that names it; the policy decides on those that several splits or none name.

    Args:
        rows: the videos.
        claims: for each row the splits that name it, in the order of `splits`, each once.
        splits: all splits.
        policy: the option split_policy.
        file: the split file, None for a rule.
        no_split: for each row, the fault's detail if no split names it.
        other_faults: faults to be reported, too.
    """
    refused = "refused" if policy == "error" else "dropped"
    split_of: list[str | None] = []
    faults: list[Fault] = []
    for row, claimed, detail in zip(rows, claims, no_split, strict=True):
        if len(claimed) == 1:
            split_of.append(claimed[0])
        elif not claimed:
            split_of.append(None)
            faults.append(Fault("in_no_split", row.video.text, detail, file, refused))
        else:
            kept = claimed[0] if policy == "first" else None
            split_of.append(kept)
            text = f"in {splits_text(claimed)}: a video belongs in one split"
            faults.append(Fault("in_two_splits", row.video.text, text, file, f"kept in {kept}" if kept else refused))
    return Assignment(tuple(split_of), tuple(splits), (*faults, *other_faults))


def splits_text(splits: Sequence[str]) -> str:
    """Names of splits for a message, the first few of many."""
    more = f" and {len(splits) - _MAX_NAMED:,} more" if len(splits) > _MAX_NAMED else ""
    return " and ".join(splits[:_MAX_NAMED]) + more
