"""Labels as JSON: label maps, objects of videos, and objects of labels."""

from __future__ import annotations

from typing import Any

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.labels import rows
from heatsvc.annotation.labels.parsed_file import ParsedFile
from heatsvc.annotation.labels.rows import ClassEntry, LabelFile, LabelRow
from heatsvc.annotation.labels.tables import INDEX, KNOWN, LABEL, normalize_header
from heatsvc.annotation.native.sheets import MAX_CELL, cell_text
from heatsvc.annotation.options import AnnotationOptions


def read_json_map(file: ParsedFile, options: AnnotationOptions) -> LabelFile | None:
    """The classes of a label map, an object of whole numbers: ``{"화재": 418}``.

    Raises:
        AnnotationError: a class index below 0 or above 1,000,000, or a label too long.
    """
    if not _holds(file.json, int):
        return None
    classes = []
    for label, index in file.json.items():
        where = f"{file.name}, {label!r:.100}"
        text = rows.parse_label(label, where, file.name)
        classes.append(ClassEntry(text or "", rows.parse_index(index, where, file.name), where))
    return LabelFile(classes=tuple(classes))


def read_json_rows(file: ParsedFile, options: AnnotationOptions) -> LabelFile | None:
    """The videos of an object of objects: ``{"KETI_SL_0000000419": {"label": "화재", "label_index": 418}}``.

    Raises:
        AnnotationError: an object without label and index, or with an unusable one.
    """
    if not _holds(file.json, dict):
        return None
    found = []
    headers: set[str] = set()
    label_header = options.columns.label and normalize_header(options.columns.label)
    for name, value in file.json.items():
        where = f"{file.name}, {name!r:.100}"
        columns: dict[str, str] = {}
        label: str | None = None
        index: int | None = None
        for key, item in value.items():
            header = normalize_header(key)
            if header in (*INDEX, "index"):
                index = None if item is None else rows.parse_index(item, where, file.name)
                continue
            text = _text(item, where, file.name)
            if label is None and (header == label_header if label_header else header in LABEL):
                label = rows.parse_label(text, where, file.name)
            if text:
                columns[key] = text
                columns.update({known: text for known, names in KNOWN.items() if header in names})
        headers.update(columns)
        if label is None and index is None:
            raise AnnotationError(f"{where}: neither label nor label_index", file=file.name)
        found.append(LabelRow(rows.parse_video_name(name, where, file.name), label, index, columns, where))
    return LabelFile(rows=tuple(found), headers=frozenset(headers))


def read_json_labels(file: ParsedFile, options: AnnotationOptions) -> LabelFile | None:
    """The videos of an object of texts, among which numbers may be: ``{"KETI_SL_0000000419": "화재"}``.

    Raises:
        AnnotationError: an empty label.
    """
    if not _holds(file.json, str | int):
        return None
    found = []
    for name, value in file.json.items():
        where = f"{file.name}, {name!r:.100}"
        label = rows.parse_label(_text(value, where, file.name), where, file.name)
        if label is None:
            raise AnnotationError(f"{where}: an empty label", file=file.name)
        found.append(LabelRow(rows.parse_video_name(name, where, file.name), label, None, {}, where))
    return LabelFile(rows=tuple(found))


def _holds(document: Any, kind: Any) -> bool:
    """Whether it is an object whose values are all of a type, and not booleans."""
    return (
        isinstance(document, dict)
        and bool(document)
        and all(isinstance(value, kind) and not isinstance(value, bool) for value in document.values())
    )


def _text(value: Any, where: str, file: str) -> str:
    if isinstance(value, dict | list) or (isinstance(value, int) and abs(value) >= 1e15):
        raise AnnotationError(f"{where}: {value!r:.60} is neither a text nor a number", file=file)
    text = cell_text(value)
    if len(text) > MAX_CELL:
        raise AnnotationError(f"{where}: a text of {len(text):,} characters: {MAX_CELL:,} at most", file=file)
    return text
