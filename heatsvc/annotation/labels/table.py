"""Tables with a header: sheets and CSV files, KETI's and others'."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.labels.columns import Header
from heatsvc.annotation.labels.numbers import number
from heatsvc.annotation.labels.row import Found, LabelRow, index_of, label_of, video_of
from heatsvc.annotation.native.sheets import Rows
from heatsvc.annotation.options import Columns

# A title may stand above the header.
_HEADER_WITHIN = 20
_SUMS = ("합계", "총계", "총합", "소계", "sum", "total", "grandtotal")


@dataclass(frozen=True, slots=True)
class Table:
    """A sheet.

    Attributes:
        file: the file's name.
        where: the file and, in a workbook, the sheet, for messages.
        rows: its rows from the first on.
    """

    file: str
    where: str
    rows: Rows


def find_header(rows: Rows, columns: Columns) -> tuple[int, Header] | None:
    """The row that names the columns, and its position; None where no row near the top does."""
    for position, cells in enumerate(rows[:_HEADER_WITHIN]):
        header = Header.of(cells, columns)
        if header.is_table:
            return position, header
    return None


def read_table(table: Table, columns: Columns) -> Found | None:
    """The videos of a table; None where it has no column of names or none of labels.

    Raises:
        AnnotationError: a row without a name or a label that is no empty and no sum row.
    """
    found = find_header(table.rows, columns)
    if found is None:
        return None
    top, header = found
    rows = []
    for position, cells in enumerate(table.rows[top + 1 :], top + 2):
        row = _row(cells, header, f"{table.where}, row {position}", table.file)
        if row is not None:
            rows.append(row)
    headers = frozenset(text for _, text in (*header.named, *header.known))
    return Found(rows=tuple(rows), headers=headers)


def no_table(tables: Sequence[Table]) -> str:
    """What to say of a file without a header that is known: which there are, and what to do."""
    seen = [cell.strip() for table in tables for cells in table.rows[:1] for cell in cells if cell.strip()]
    if not seen:
        return "the table is empty"
    return (
        f"no columns of video names and labels in a first row of {', '.join(map(repr, seen[:12]))!s:.300}: call them "
        "파일명 and 한국어, or name and label, or tell the options "
        '{"columns": {"name": …, "label": …}} what they are called'
    )


def _row(cells: Sequence[str], header: Header, where: str, file: str) -> LabelRow | None:
    name, label, index = (_cell(cells, position) for position in (header.name, header.label, header.index))
    if not name or not (label or index):
        if _is_sum(cells):
            return None
        if not name:
            raise AnnotationError(f"{where}: a row without a video's name, and no empty or sum row", file=file)
    return LabelRow(
        video=video_of(name, where, file),
        label=label_of(label, where, file),
        index=index_of(index, where, file) if index else None,
        columns=header.columns(cells),
        where=where,
    )


def _cell(cells: Sequence[str], position: int | None) -> str:
    return cells[position].strip() if position is not None and position < len(cells) else ""


def _is_sum(cells: Sequence[str]) -> bool:
    """Whether it is empty, holds numbers alone, or says that it is a sum."""
    texts = ["".join(cell.split()).casefold().rstrip(":") for cell in cells]
    return any(text in _SUMS for text in texts) or all(not text or number(text) is not None for text in texts)
