"""Reads sheets of workbooks as text. Runs in a child process: calamine allocates what a malicious sheet declares."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any

from heatsvc.annotation.errors import AnnotationError

MAX_CELL = 32_767
"""Maximum number of characters of a cell, as in spreadsheet programs."""

MAX_ROWS = 1_000_000
"""Maximum number of rows of a file; a workbook's sheet can have 1,048,576."""

MAX_COLUMNS = 1_000

Rows = list[list[str]]


def read_sheets(files: Sequence[tuple[str, str]], max_cells: int) -> list[list[tuple[str, Rows]]]:
    """The sheets of workbooks, empty ones included, each with its name and its rows.

    Args:
        files: (name, path) of each workbook.
        max_cells: maximum number of cells of all sheets of a file.

    Raises:
        AnnotationError: a workbook cannot be read, or has more rows, columns or text than allowed.
    """
    return [_sheets(name, path, max_cells) for name, path in files]


def _sheets(name: str, path: str, max_cells: int) -> list[tuple[str, Rows]]:
    from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum

    # Equal texts share one object, since a sheet may refer to one long text a million times.
    texts: dict[str, str] = {}
    sheets: list[tuple[str, Rows]] = []
    try:
        with CalamineWorkbook.from_path(path) as workbook:
            for metadata in workbook.sheets_metadata:
                if metadata.typ != SheetTypeEnum.WorkSheet:
                    continue
                sheet = workbook.get_sheet_by_name(metadata.name)
                start = sheet.start or (0, 0)
                max_cells -= sheet.height * sheet.width
                if sheet.height > MAX_ROWS or sheet.width > MAX_COLUMNS or max_cells < 0:
                    raise AnnotationError(
                        f"sheet {metadata.name!r:.80} has {sheet.height:,} rows of {sheet.width:,} cells: "
                        f"{MAX_ROWS:,} rows of {MAX_COLUMNS:,} at most",
                        file=name,
                    )
                above: Rows = [[]] * min(start[0], MAX_ROWS)
                rows = [_row(row, texts, name, metadata.name) for row in islice(sheet.iter_rows(), start[0], None)]
                sheets.append((metadata.name, above + rows))
    except (CalamineError, ValueError, OSError, LookupError) as error:
        if isinstance(error, AnnotationError):
            raise
        raise AnnotationError(f"the workbook cannot be read: {error!s:.200}", file=name) from None
    return sheets


def _row(row: list[Any], texts: dict[str, str], name: str, sheet: str) -> list[str]:
    cells = []
    for value in row:
        text = cell_text(value)
        if len(text) > MAX_CELL:
            raise AnnotationError(
                f"sheet {sheet!r:.80} has a cell of {len(text):,} characters: {MAX_CELL:,} at most", file=name
            )
        cells.append(texts.setdefault(text, text))
    return cells


def cell_text(value: Any) -> str:
    """A value as a spreadsheet shows it; workbooks store all numbers as floats, 10 as 10.0."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    return str(value) if isinstance(value, int | timedelta) else ""
