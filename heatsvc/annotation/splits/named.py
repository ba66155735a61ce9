"""Splits as a file names them."""

from __future__ import annotations

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.faults import Fault
from heatsvc.annotation.labels.labels import Labels
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.splits.assignment import Assignment, settle, splits_text
from heatsvc.annotation.splits.split_file import SplitFile


def assign_named(labels: Labels, split_file: SplitFile, options: AnnotationOptions) -> Assignment:
    """The splits of a file.

    A name that filters left out is no fault: the file may be of the whole dataset.

    Raises:
        AnnotationError: a name that may be two videos.
    """
    claims: list[dict[str, None]] = [{} for _ in labels.rows]
    unknown: dict[tuple[str, ...], tuple[str, dict[str, None]]] = {}
    for entry in split_file.entries:
        known = labels.known.find(entry.video)
        rows = [position for position in known if position < len(labels.rows)]
        if len(rows) > 1:
            first, second = (labels.rows[position] for position in rows[:2])
            raise AnnotationError(
                f"{entry.where}: {entry.video.text!r:.100} may be {first.video.text!r:.100} ({first.where}) or "
                f"{second.video.text!r:.100} ({second.where}): tell its folder too",
                file=split_file.file,
            )
        if rows:
            claims[rows[0]][entry.split] = None
        elif not known:
            unknown.setdefault(entry.video.parts, (entry.video.text, {}))[1][entry.split] = None
    order = {split: position for position, split in enumerate(split_file.splits)}
    return settle(
        labels.rows,
        [sorted(claimed, key=order.__getitem__) for claimed in claims],
        split_file.splits,
        options,
        file=split_file.file,
        why_none=["labelled, but in no split"] * len(labels.rows),
        others=[
            Fault(
                "unknown_to_labels",
                name,
                f"in {splits_text(tuple(splits))}, but no label is for it",
                split_file.file,
                "refused" if options.split_policy == "error" else "dropped",
            )
            for name, splits in unknown.values()
        ],
    )
