"""Labels as CSV: label maps, name and index pairs, and tables with a header."""

from __future__ import annotations

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.labels.parsed_file import ParsedFile
from heatsvc.annotation.labels.rows import (
    ClassEntry,
    LabelFile,
    LabelRow,
    parse_index,
    parse_label,
    parse_video_name,
    parse_whole_number,
)
from heatsvc.annotation.labels.tables import INDEX, LABEL, Table, no_table, normalize_header, read_table
from heatsvc.annotation.options import AnnotationOptions


def is_csv_map(content: ParsedFile) -> bool:
    """Whether its header names a label and an index, and nothing else."""
    return not content.is_json and _header(content) is not None


def read_csv_map(content: ParsedFile, options: AnnotationOptions) -> LabelFile:
    """The classes of a label map.

    Raises:
        AnnotationError: a row that is no label and class index.
    """
    header = _header(content)
    assert header is not None, "asked after is_csv_map"  # noqa: S101
    top, label, index = header
    classes = []
    for position, cells in enumerate(content.rows[top + 1 :], top + 2):
        if not any(cell.strip() for cell in cells):
            continue
        where = f"{content.name}, row {position}"
        padded = (*cells, "", "")
        text = parse_label(padded[label], where, content.name)
        number = parse_index(padded[index], where, content.name)
        classes.append(ClassEntry(text or "", number, where))
    return LabelFile(classes=tuple(classes))


def _header(content: ParsedFile) -> tuple[int, int, int] | None:
    """The header's row, and the columns of label and index."""
    top = next((position for position, row in enumerate(content.rows) if any(row)), None)
    if top is None:
        return None
    cells = [normalize_header(cell) for cell in content.rows[top]]
    while cells and not cells[-1]:
        cells.pop()
    if len(cells) != 2:
        return None
    for label, index in ((0, 1), (1, 0)):
        if cells[label] in LABEL and cells[index] in (*INDEX, "index", "id"):
            return top, label, index
    return None


def is_csv_pairs(content: ParsedFile) -> bool:
    """Whether the first row that is not empty is a name and a whole number."""
    if content.is_json:
        return False
    first = next((row for row in content.rows if any(row)), [])
    return len(first) == 2 and first[0].strip() != "" and parse_whole_number(first[1]) is not None


def read_csv_pairs(content: ParsedFile, options: AnnotationOptions) -> LabelFile:
    """The videos of the pairs.

    Raises:
        AnnotationError: a row that is no name and class index.
    """
    rows = []
    for position, cells in enumerate(content.rows, 1):
        where = f"{content.name}, row {position}"
        name, index, *_ = (*cells, "", "")
        if any(cell.strip() for cell in cells):
            video = parse_video_name(name, where, content.name)
            rows.append(LabelRow(video, None, parse_index(index, where, content.name), {}, where))
    return LabelFile(rows=tuple(rows))


def is_csv(content: ParsedFile) -> bool:
    """Whether it is no JSON: text, then, or refused as none."""
    return not content.is_json


def read_csv_table(content: ParsedFile, options: AnnotationOptions) -> LabelFile:
    """The videos of a table.

    Raises:
        AnnotationError: no header that is known; rows as read_table.
    """
    table = Table(content.name, content.name, content.rows)
    found = read_table(table, options.columns)
    if found is None:
        raise AnnotationError(no_table([table]), file=content.name)
    return found
