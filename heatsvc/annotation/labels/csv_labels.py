"""Labels as CSV: label maps, name and index pairs, and tables with a header."""

from __future__ import annotations

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.labels import rows
from heatsvc.annotation.labels.parsed_file import ParsedFile
from heatsvc.annotation.labels.rows import ClassEntry, LabelFile, LabelRow
from heatsvc.annotation.labels.tables import INDEX, LABEL, Table, missing_columns, normalize_header, read_table
from heatsvc.annotation.options import AnnotationOptions


def is_csv_map(file: ParsedFile) -> bool:
    """Whether its header names a label and an index, and nothing else: ``label,label_index``."""
    return not file.is_json and _map_columns(file) is not None


def read_csv_map(file: ParsedFile, options: AnnotationOptions) -> LabelFile:
    """The classes of a label map.

    Raises:
        AnnotationError: a row without a class index.
    """
    label, index = _map_columns(file) or (0, 1)
    classes = []
    for where, cells in file.rows_from(file.top + 1):
        padded = (*cells, "", "")
        text = rows.parse_label(padded[label], where, file.name)
        classes.append(ClassEntry(text or "", rows.parse_index(padded[index], where, file.name), where))
    return LabelFile(classes=tuple(classes))


def _map_columns(file: ParsedFile) -> tuple[int, int] | None:
    """The columns of label and index."""
    cells = [normalize_header(cell) for cell in file.rows[file.top]] if file.rows else []
    while cells and not cells[-1]:
        cells.pop()
    if len(cells) != 2:
        return None
    orders, index_headers = ((0, 1), (1, 0)), (*INDEX, "index", "id")
    return next(((a, b) for a, b in orders if cells[a] in LABEL and cells[b] in index_headers), None)


def is_csv_pairs(file: ParsedFile) -> bool:
    """Whether the first row that is not empty is a name and a whole number: ``KETI_SL_0000000419,418``."""
    if file.is_json:
        return False
    first = file.rows[file.top] if file.rows else []
    return len(first) == 2 and first[0].strip() != "" and rows.parse_whole_number(first[1]) is not None


def read_csv_pairs(file: ParsedFile, options: AnnotationOptions) -> LabelFile:
    """The videos of the pairs.

    Raises:
        AnnotationError: a row without a name or a class index.
    """
    found = []
    for where, cells in file.rows_from(file.top):
        name, index, *_ = (*cells, "", "")
        video = rows.parse_video_name(name, where, file.name)
        found.append(LabelRow(video, None, rows.parse_index(index, where, file.name), {}, where))
    return LabelFile(rows=tuple(found))


def is_csv_table(file: ParsedFile) -> bool:
    """Whether it is not JSON."""
    return not file.is_json


def read_csv_table(file: ParsedFile, options: AnnotationOptions) -> LabelFile:
    """The videos of a table with a header, such as KETI's in CP949 or UTF-8.

    Raises:
        AnnotationError: no known header; a row as in `read_table`.
    """
    table = Table(file.name, file.name, file.rows)
    found = read_table(table, options.columns)
    if found is None:
        raise AnnotationError(missing_columns([table]), file=file.name)
    return found
