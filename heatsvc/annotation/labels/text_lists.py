"""Reads lists without a header: MMAction2's ``name index``, and lists of classes such as PYSKL's label_map.txt."""

from __future__ import annotations

from collections.abc import Sequence

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.labels import rows
from heatsvc.annotation.labels.parsed_file import ParsedFile
from heatsvc.annotation.labels.rows import ClassEntry, LabelFile
from heatsvc.annotation.labels.tables import LABEL, normalize_header
from heatsvc.annotation.names import VideoName
from heatsvc.annotation.options import AnnotationOptions

_CLASSES_HEADERS = (*LABEL, "labels", "classes", "names")


def read_name_index_list(file: ParsedFile, options: AnnotationOptions) -> LabelFile | None:
    """The videos of lines that end in a class index: ``v1.mp4 0``, and ``folder frames index`` for folders of frames.

    Raises:
        AnnotationError: a video has several indices, or an index is out of range.
    """
    lines = _lines(file)
    if not lines or not all(len(words := line.split()) > 1 and _is_whole(words[-1]) for _, line in lines):
        return None
    of_frames = all(len(words := line.split()) == 3 and _is_whole(words[1]) for _, line in lines)
    pairs = []
    for where, line in lines:
        name, index = line.rsplit(maxsplit=1)
        first, *numbers = name.split()
        if numbers and all(map(_is_whole, numbers)) and VideoName.of(first).text != first:
            raise AnnotationError(f"{where}: the video has several class indices: it must have one", file=file.name)
        pairs.append((first if of_frames else name, index, where))
    return rows.undecided(pairs, file.name, "rows")


def read_index_label_list(file: ParsedFile, options: AnnotationOptions) -> LabelFile | None:
    """The classes of lines that begin with their indices: ``0 book``, also with tabs, commas or vertical bars.

    Raises:
        AnnotationError: an index is out of range.
    """
    if file.is_json:
        return None
    lines = [(where, _cells(cells)) for where, cells in file.rows_from(0)]
    if not all(len(cells) > 1 and _is_whole(cells[0]) for _, cells in lines) or all(
        _is_whole(cells[1]) for _, cells in lines
    ):
        return None
    return LabelFile(
        classes=tuple(
            ClassEntry(
                rows.parse_label(cells[1], where, file.name) or "", rows.parse_index(cells[0], where, file.name), where
            )
            for where, cells in lines
        )
    )


def read_class_list(file: ParsedFile, options: AnnotationOptions) -> LabelFile | None:
    """The classes of a list, by their positions: a label in each line, or JSON ``["hello", "nice"]``.

    Raises:
        AnnotationError: a label is too long.
    """
    if not file.is_json:
        lines = _lines(file)
        if lines and normalize_header(lines[0][1]) in _CLASSES_HEADERS:
            del lines[0]
    elif isinstance(file.json, list) and all(isinstance(label, str) for label in file.json):
        lines = [(f"{file.name}, [{position}]", label) for position, label in enumerate(file.json)]
    else:
        return None
    labels = [(rows.parse_label(label, where, file.name) or "", where) for where, label in lines]
    if not labels:
        return None
    return LabelFile(classes=tuple(ClassEntry(label, index, where) for index, (label, where) in enumerate(labels)))


def _lines(file: ParsedFile) -> list[tuple[str, str]]:
    """Place and text of each non-empty line; nothing if lines have several cells."""
    if file.is_json:
        return []
    found = [(where, [cell for cell in cells if cell.strip()]) for where, cells in file.rows_from(0)]
    return [(where, cells[0].strip()) for where, cells in found] if all(len(cells) == 1 for _, cells in found) else []


def _cells(cells: Sequence[str]) -> list[str]:
    return cells[0].split(maxsplit=1) if len(cells) == 1 else [cell.strip() for cell in cells]


def _is_whole(text: str) -> bool:
    return rows.parse_whole_number(text) is not None
