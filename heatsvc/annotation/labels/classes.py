"""Classes: assigns class indices to labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.labels.rows import (
    ClassEntry,
    LabelRow,
    parse_index,
    parse_label,
    parse_whole_number,
)
from heatsvc.annotation.labels.tables import LABEL_TEXT, normalize_header
from heatsvc.annotation.options import AnnotationOptions


@dataclass(slots=True)
class _Classes:
    """Classes by label and by index, each with the place of its first occurrence."""

    by_label: dict[str, ClassEntry] = field(default_factory=dict)
    by_index: dict[int, ClassEntry] = field(default_factory=dict)

    def add(self, entry: ClassEntry) -> None:
        label = self.by_label.setdefault(entry.label, entry)
        if label.index != entry.index:
            raise AnnotationError(
                f"the label {entry.label!r:.80} has two indices: {label.index} in {label.where}, "
                f"{entry.index} in {entry.where}"
            )
        index = self.by_index.setdefault(entry.index, entry)
        if index.label != entry.label:
            raise AnnotationError(
                f"the class index {entry.index} has two labels: {index.label!r:.80} in {index.where}, "
                f"{entry.label!r:.80} in {entry.where}"
            )


def take_indices(rows: Sequence[LabelRow], options: AnnotationOptions) -> Sequence[LabelRow]:
    """If the labels of all rows are whole numbers, turn them into class indices; else return the rows unchanged.

    The labels are then taken from a column such as text or gloss, if each of its texts belongs to one index.

    Raises:
        AnnotationError: a number is above 1,000,000 or negative.
    """
    labels = [row.label for row in rows if row.label is not None]
    if options.labels == "names" or not labels or any(row.index is not None for row in rows):
        return rows
    if any(parse_whole_number(label) is None for label in labels):
        return rows
    indexed = [
        row if row.label is None else replace(row, label=None, index=_parse_whole_label(row.label, row)) for row in rows
    ]
    texts = None if options.columns.label else _label_texts(indexed)
    return indexed if texts is None else [replace(row, label=texts.get(row.index)) for row in indexed]


def _parse_whole_label(label: str, row: LabelRow) -> int:
    try:
        return parse_index(label, row.where, row.where)
    except AnnotationError as error:
        hint = 'if these numbers are class names, set the option {"labels": "names"}'
        raise AnnotationError(f"{error.detail}; {hint}") from None


def _label_texts(rows: Sequence[LabelRow]) -> dict[int | None, str] | None:
    """The text of each index, from the first column whose texts each belong to one index; None if there is none."""
    headers = {normalize_header(header): header for row in rows[:1] for header in row.columns}
    for known in LABEL_TEXT:
        header = headers.get(known, "")
        pairs = {(row.index, row.columns.get(header, "")) for row in rows if row.index is not None}
        texts = {text for _, text in pairs}
        if header and "" not in texts and len(pairs) == len({index for index, _ in pairs}) == len(texts):
            where = rows[0].where
            return {index: parse_label(text, where, where) or "" for index, text in pairs}
    return None


def assign_class_indices(
    rows: Sequence[LabelRow], label_maps: Iterable[ClassEntry]
) -> tuple[list[LabelRow], tuple[str, ...]]:
    """Complete the label and index of each row. Also return the labels by index, "" for an index without a label.

    An index is taken from the row, from a label map, or from another row with the same label. If no file has indices,
    labels are sorted by code point and numbered.

    Raises:
        AnnotationError: a video has no label, a label has no index, or files contradict each other.
    """
    classes = _Classes()
    for entry in label_maps:
        classes.add(entry)
    for row in rows:
        if row.label is None and row.index is None:
            raise AnnotationError(f"{row.where}: the video {row.video.text!r:.100} has no label")
        if row.label is not None and row.index is not None:
            classes.add(ClassEntry(row.label, row.index, row.where))
    if not classes.by_label and all(row.index is None for row in rows):
        labels = tuple(sorted({row.label for row in rows if row.label is not None}))
        positions = {label: position for position, label in enumerate(labels)}
        return [replace(row, index=positions[row.label]) for row in rows if row.label is not None], labels
    numbered = [_numbered(row, classes) for row in rows]
    highest = max([*classes.by_index, *(row.index for row in numbered if row.index is not None)], default=-1)
    labels_by_index = [""] * (highest + 1)
    for row in numbered:
        if row.index is not None and row.label is not None:
            labels_by_index[row.index] = row.label
    for index, entry in classes.by_index.items():
        labels_by_index[index] = entry.label
    return numbered, tuple(labels_by_index)


def _numbered(row: LabelRow, classes: _Classes) -> LabelRow:
    if row.index is None:
        entry = classes.by_label.get(row.label or "")
        if entry is None:
            raise AnnotationError(
                f"{row.where}: the label {row.label!r:.80} of {row.video.text!r:.100} has no index in a label map or "
                "in another row: add it to the map, or remove all indices"
            )
        return replace(row, index=entry.index)
    if row.label is None:
        entry = classes.by_index.get(row.index)
        if entry is None and (other := classes.by_label.get(str(row.index))):
            raise AnnotationError(
                f"{row.where}: the class index {row.index} of {row.video.text!r:.100} has no label, and cannot be "
                f"called {other.label!r}: that label has the index {other.index} in {other.where}; "
                'if it is a name instead of an index, set the option {"labels": "names"}'
            )
        return replace(row, label=entry.label if entry else str(row.index))
    return row
