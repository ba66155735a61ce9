"""Labels as JSON: label maps, objects of videos, and objects of labels."""

from __future__ import annotations

from typing import Any

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.labels.parsed_file import ParsedFile
from heatsvc.annotation.labels.rows import ClassEntry, LabelFile, LabelRow, parse_index, parse_label, parse_video_name
from heatsvc.annotation.labels.tables import INDEX, KNOWN, LABEL, normalize_header
from heatsvc.annotation.native.sheets import MAX_CELL
from heatsvc.annotation.options import AnnotationOptions


def is_json_map(content: ParsedFile) -> bool:
    """Whether it is an object of whole numbers."""
    document = content.json
    return isinstance(document, dict) and bool(document) and all(type(value) is int for value in document.values())


def read_json_map(content: ParsedFile, options: AnnotationOptions) -> LabelFile:
    """The classes of a label map.

    Raises:
        AnnotationError: a class index below 0 or above 1,000,000, or a label too long.
    """
    classes = []
    for label, index in content.json.items():
        where = f"{content.name}, {label!r:.100}"
        text = parse_label(label, where, content.name)
        classes.append(ClassEntry(text or "", parse_index(index, where, content.name), where))
    return LabelFile(classes=tuple(classes))


def is_json_rows(content: ParsedFile) -> bool:
    """Whether it is an object of objects."""
    return _all(content.json, dict)


def is_json_labels(content: ParsedFile) -> bool:
    """Whether it is an object of texts; a label that is a number may stand as one."""
    return _all(content.json, str | int) and not _all(content.json, int)


def read_json_rows(content: ParsedFile, options: AnnotationOptions) -> LabelFile:
    """The videos of an object of objects.

    Raises:
        AnnotationError: an object without label and index, or with one that is none.
    """
    rows = []
    headers: set[str] = set()
    for name, value in content.json.items():
        where = f"{content.name}, {name!r:.100}"
        columns: dict[str, str] = {}
        label: str | None = None
        index: int | None = None
        for key, item in value.items():
            role = normalize_header(key)
            if role in (*INDEX, "index"):
                index = None if item is None else parse_index(item, where, content.name)
                continue
            text = _text(item, where, content.name)
            is_label = role == normalize_header(options.columns.label) if options.columns.label else role in LABEL
            if is_label and label is None:
                label = parse_label(text, where, content.name)
            if text:
                columns[key] = text
                columns.update({known: text for known, names in KNOWN.items() if role in names})
        headers.update(columns)
        if label is None and index is None:
            raise AnnotationError(f"{where}: neither label nor label_index", file=content.name)
        rows.append(LabelRow(parse_video_name(name, where, content.name), label, index, columns, where))
    return LabelFile(rows=tuple(rows), headers=frozenset(headers))


def read_json_labels(content: ParsedFile, options: AnnotationOptions) -> LabelFile:
    """The videos of an object of labels.

    Raises:
        AnnotationError: an empty label.
    """
    rows = []
    for name, value in content.json.items():
        where = f"{content.name}, {name!r:.100}"
        label = parse_label(_text(value, where, content.name), where, content.name)
        if label is None:
            raise AnnotationError(f"{where}: an empty label", file=content.name)
        rows.append(LabelRow(parse_video_name(name, where, content.name), label, None, {}, where))
    return LabelFile(rows=tuple(rows))


def _all(document: Any, kind: Any) -> bool:
    return (
        isinstance(document, dict)
        and bool(document)
        and all(isinstance(value, kind) and not isinstance(value, bool) for value in document.values())
    )


def _text(value: Any, where: str, file: str) -> str:
    if isinstance(value, str):
        text = value
    elif isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, float):
        text = str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    elif isinstance(value, int) and abs(value) < 1e15:
        text = str(value)
    elif value is None:
        text = ""
    else:
        raise AnnotationError(f"{where}: {value!r:.60} is no text and no number", file=file)
    if len(text) > MAX_CELL:
        raise AnnotationError(f"{where}: a text of {len(text):,} characters: {MAX_CELL:,} at most", file=file)
    return text
