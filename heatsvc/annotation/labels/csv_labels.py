"""Reads labels in CSV: label maps, pairs of name and index, and tables with a header."""

from __future__ import annotations

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.labels import rows
from heatsvc.annotation.labels.parsed_file import ParsedFile
from heatsvc.annotation.labels.rows import ClassEntry, LabelFile
from heatsvc.annotation.labels.tables import (
    INDEX,
    LABEL,
    NAME,
    find_column,
    missing_columns,
    normalize_header,
    read_table,
)
from heatsvc.annotation.options import AnnotationOptions


def read_csv_map(file: ParsedFile, options: AnnotationOptions) -> LabelFile | None:
    """The classes of a label map, which has no column of videos: ``label,label_index``, ``id,name``, ``ClassId,TR,EN``.

    The label is in the column that the options name, in one with a known header, or in the first other than the index.

    Raises:
        AnnotationError: a row has no class index.
    """
    columns = None if file.is_json else _map_columns(file, options)
    if columns is None:
        return None
    label, index = columns
    classes = []
    for where, cells in file.rows_from(file.top + 1):
        padded = (*cells, *[""] * (max(columns) + 1))
        text = rows.parse_label(padded[label], where, file.name)
        classes.append(ClassEntry(text or "", rows.parse_index(padded[index], where, file.name), where))
    return LabelFile(classes=tuple(classes), headers=frozenset(filter(None, map(str.strip, file.rows[file.top]))))


def _map_columns(file: ParsedFile, options: AnnotationOptions) -> tuple[int, int] | None:
    """The columns of label and index."""
    cells = [normalize_header(cell) for cell in file.rows[file.top]] if file.rows else []
    while cells and not cells[-1]:
        cells.pop()
    of_two = len(cells) == 2
    index = find_column(cells, (*INDEX, "index", "id") if of_two else INDEX)
    if index is None:
        return None
    # In id,name the name must be that of a class.
    labels = (*LABEL, "name") if of_two and index == 0 else LABEL
    if find_column(cells, filter(None, (options.columns.name, *(set(NAME) - {"id", *labels})))) is not None:
        return None
    label = find_column(cells, filter(None, (options.columns.label, *labels)))
    if label is None and not of_two:
        label = next((column for column, cell in enumerate(cells) if cell and column != index), None)
    return None if label is None else (label, index)


def read_csv_pairs(file: ParsedFile, options: AnnotationOptions) -> LabelFile | None:
    """The videos of a file whose first row is a name and a whole number: ``KETI_SL_0000000419,418``.

    If no index occurs twice, it may also be a list of classes.

    Raises:
        AnnotationError: a row has no name or no class index.
    """
    first = file.rows[file.top] if not file.is_json and file.rows else []
    if len(first) != 2 or not first[0].strip() or rows.parse_whole_number(first[1]) is None:
        return None
    pairs = [(cells[0], cells[1] if len(cells) > 1 else "", where) for where, cells in file.rows_from(file.top)]
    return rows.undecided(pairs, file.name, "rows")


def read_csv_table(file: ParsedFile, options: AnnotationOptions) -> LabelFile | None:
    """The videos of a table with a header, such as KETI's in CP949 or UTF-8.

    Raises:
        AnnotationError: the header is unknown; and what `read_table` raises.
    """
    if file.is_json:
        return None
    found = read_table(file.rows, file.name, file.name, options.columns)
    if found is None:
        raise AnnotationError(missing_columns([file.rows]), file=file.name)
    return found
