"""Labels as CSV: label maps, name and index pairs, and tables with a header."""

from __future__ import annotations

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.labels import rows
from heatsvc.annotation.labels.parsed_file import ParsedFile
from heatsvc.annotation.labels.rows import ClassEntry, LabelFile, LabelRow
from heatsvc.annotation.labels.tables import INDEX, LABEL, missing_columns, normalize_header, read_table
from heatsvc.annotation.options import AnnotationOptions


def read_csv_map(file: ParsedFile, options: AnnotationOptions) -> LabelFile | None:
    """The classes of a label map, whose header names a label and an index, and nothing else: ``label,label_index``.

    Raises:
        AnnotationError: a row without a class index.
    """
    columns = None if file.is_json else _map_columns(file)
    if columns is None:
        return None
    label, index = columns
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


def read_csv_pairs(file: ParsedFile, options: AnnotationOptions) -> LabelFile | None:
    """The videos of a file whose first row is a name and a whole number: ``KETI_SL_0000000419,418``.

    Raises:
        AnnotationError: a row without a name or a class index.
    """
    first = file.rows[file.top] if not file.is_json and file.rows else []
    if len(first) != 2 or not first[0].strip() or rows.parse_whole_number(first[1]) is None:
        return None
    found = []
    for where, cells in file.rows_from(file.top):
        name, index, *_ = (*cells, "", "")
        video = rows.parse_video_name(name, where, file.name)
        found.append(LabelRow(video, None, rows.parse_index(index, where, file.name), {}, where))
    return LabelFile(rows=tuple(found))


def read_csv_table(file: ParsedFile, options: AnnotationOptions) -> LabelFile | None:
    """The videos of a table with a header, such as KETI's in CP949 or UTF-8.

    Raises:
        AnnotationError: no known header; a row as in `read_table`.
    """
    if file.is_json:
        return None
    found = read_table(file.rows, file.name, file.name, options.columns)
    if found is None:
        raise AnnotationError(missing_columns([file.rows]), file=file.name)
    return found
