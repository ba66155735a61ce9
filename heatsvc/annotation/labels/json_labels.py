"""Reads labels in JSON: label maps, objects and lists of videos, and objects of labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.labels import rows
from heatsvc.annotation.labels.frame_range import FIRST, LAST
from heatsvc.annotation.labels.parsed_file import ParsedFile
from heatsvc.annotation.labels.rows import LabelFile, LabelRow
from heatsvc.annotation.labels.tables import INDEX, Header, normalize_header
from heatsvc.annotation.native.sheets import MAX_CELL, cell_text
from heatsvc.annotation.options import AnnotationOptions

# In nslt_100.json the first number of an action is the class index. In a list, index is the number of the object.
_ACTION = "action"
_INDEX_KEYS = (*INDEX, _ACTION)


def read_json_map(file: ParsedFile, options: AnnotationOptions) -> LabelFile | None:
    """An object of whole numbers, ``{"화재": 418}``: a label map, or videos with their class indices.

    Raises:
        AnnotationError: a class index is negative or above 1,000,000, or a label is too long.
    """
    if not _holds(file.json, int):
        return None
    pairs = [(text, index, f"{file.name}, {text!r:.100}") for text, index in file.json.items()]
    return rows.undecided(pairs, file.name, "classes")


def read_json_rows(file: ParsedFile, options: AnnotationOptions) -> LabelFile | None:
    """The videos of an object of objects: ``{"KETI_SL_0000000419": {"label": "화재", "label_index": 418}}``.

    WLASL's nslt_100.json has this format too: ``{"05237": {"subset": "train", "action": [77, 1, 55]}}``, where the
    first number is the class index, and the others are the range of frames.

    Raises:
        AnnotationError: an object has neither label nor index, or one of them is invalid.
    """
    if not _holds(file.json, dict):
        return None
    videos = ((name, f"{file.name}, {name!r:.100}", value) for name, value in file.json.items())
    return _read_videos(videos, file.name, options)


def read_json_records(file: ParsedFile, options: AnnotationOptions) -> LabelFile | None:
    """The videos of a list of objects, such as MSASL's: ``[{"name": "v1", "label": "화재"}]``.

    Raises:
        AnnotationError: an object has no name, has neither label nor index, or a value is invalid.
    """
    if not isinstance(file.json, list) or not file.json or not all(isinstance(value, dict) for value in file.json):
        return None
    videos = ((None, f"{file.name}, [{position}]", value) for position, value in enumerate(file.json))
    return _read_videos(videos, file.name, options)


def read_json_labels(file: ParsedFile, options: AnnotationOptions) -> LabelFile | None:
    """The videos of an object of texts and numbers: ``{"KETI_SL_0000000419": "화재"}``.

    Raises:
        AnnotationError: a label is empty.
    """
    if not _holds(file.json, str | int):
        return None
    found = []
    for name, value in file.json.items():
        where = f"{file.name}, {name!r:.100}"
        label = rows.parse_label(_text(value, where, file.name), where, file.name)
        if label is None:
            raise AnnotationError(f"{where}: the label is empty", file=file.name)
        found.append(LabelRow(rows.parse_video_name(name, where, file.name), label, None, {}, where))
    return LabelFile(rows=tuple(found))


def _holds(document: Any, kind: Any) -> bool:
    """Whether a document is an object whose values are all of a type and not booleans."""
    return (
        isinstance(document, dict)
        and bool(document)
        and all(isinstance(value, kind) and not isinstance(value, bool) for value in document.values())
    )


def _read_videos(
    videos: Iterable[tuple[str | None, str, Mapping[str, Any]]], file: str, options: AnnotationOptions
) -> LabelFile:
    """The videos of objects whose keys are named like the headers of a table.

    Args:
        videos: for each its name (None if the object has it), its place, and the object.
        file: the file's name.
        options: names of columns.
    """
    found = []
    headers: set[str] = set()
    known: dict[tuple[str, ...], Header] = {}
    for name, where, value in videos:
        keys = tuple(value)
        header = known.setdefault(keys, known.get(keys) or Header.of(keys, options.columns))
        row = _read_video(name, where, value, header, file)
        headers.update(row.columns)
        found.append(row)
    return LabelFile(rows=tuple(found), headers=frozenset(headers))


def _read_video(name: str | None, where: str, value: Mapping[str, Any], header: Header, file: str) -> LabelRow:
    keys = tuple(value)
    index: int | None = None
    label = (
        None if header.label is None else rows.parse_label(_text(value[keys[header.label]], where, file), where, file)
    )
    indices = _INDEX_KEYS if name is None else (*_INDEX_KEYS, "index")
    if name is None:
        if header.name is None:
            raise AnnotationError(
                f"{where}: no key has the video's name: call the key name, or set it in the options, "
                '{"columns": {"name": …}}; its keys are ' + f"{', '.join(map(repr, keys[:12]))!s:.300}",
                file=file,
            )
        name = _text(value[keys[header.name]], where, file)
    for key, item in value.items():
        if normalize_header(key) in indices and item is not None:
            index = rows.parse_index(item[0] if isinstance(item, list) and item else item, where, file)
    if label is None and index is None:
        raise AnnotationError(f"{where}: label or label_index is required", file=file)
    texts = ["" if isinstance(item, dict | list) else _text(item, where, file) for item in value.values()]
    columns = header.texts(texts)
    match value.get(_ACTION):
        case [int(), int() as first, int() as last]:
            columns |= {FIRST: str(first), LAST: str(last)}
    return LabelRow(rows.parse_video_name(name, where, file), label, index, columns, where)


def _text(value: Any, where: str, file: str) -> str:
    if isinstance(value, dict | list) or (isinstance(value, int) and abs(value) >= 1e15):
        raise AnnotationError(f"{where}: {value!r:.60} must be a text or a number", file=file)
    text = cell_text(value)
    if len(text) > MAX_CELL:
        raise AnnotationError(f"{where}: the text has {len(text):,} characters: {MAX_CELL:,} at most", file=file)
    return text
