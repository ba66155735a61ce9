"""Splits: the names in them, held against the annotations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from heatsvc.annotation.inspection.findings import Findings
from heatsvc.annotation.inspection.inspection import SplitSize
from heatsvc.annotation.inspection.one_annotation import AnnotationFacts


def check_splits(splits: object, annotations: Sequence[AnnotationFacts], findings: Findings) -> tuple[SplitSize, ...]:
    """How large each split is; what is wrong goes to `findings`.

    Args:
        splits: what stands under ``split``.
        annotations: all of them.
        findings: told to.
    """
    if not isinstance(splits, Mapping):
        findings.add("odd_split")
        return ()
    by_name: dict[str, list[AnnotationFacts]] = {}
    for annotation in annotations:
        if annotation.name is not None:
            by_name.setdefault(annotation.name, []).append(annotation)
    sizes, split_of = [], dict[str, str]()
    for split, names in splits.items():
        if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
            findings.add("odd_split", str(split))
            continue
        taken = [annotation for name in dict.fromkeys(names) for annotation in by_name.get(name, ())]
        frames = sum(annotation.shape[1] for annotation in taken if annotation.shape)
        sizes.append(SplitSize(str(split), len(names), len(taken), frames))
        if not taken:
            findings.add("empty_split", str(split))
        for name in dict.fromkeys(names):
            if name not in by_name:
                findings.add("unknown_in_split", f"{name} ({split})")
            if split_of.setdefault(name, str(split)) != str(split):
                findings.add("in_two_splits", f"{name} ({split_of[name]}, {split})")
    findings.add_all("in_no_split", (name for name in by_name if name not in split_of))
    return tuple(sizes)
