"""KETI's workbooks: several sheets, each a table. All workbooks of a dataset are read in one child."""

from __future__ import annotations

from collections.abc import Sequence

from heatsvc.annotation.child import ChildError, run_in_child
from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.labels.parsed_file import ParsedFile
from heatsvc.annotation.labels.rows import LabelFile
from heatsvc.annotation.labels.tables import Table, no_table, read_table
from heatsvc.annotation.native.sheets import read_sheets
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.cancel import CancelToken
from heatsvc.errors import InputError, LimitError
from heatsvc.pose.readers import archive

MEMORY_BYTES = 1 << 30
SECONDS = 120.0

_PART = "xl/workbook.xml"
_OLE = b"\xd0\xcf\x11\xe0"


def is_workbook(content: ParsedFile) -> bool:
    """Whether it is a zip archive with a workbook in it.

    Raises:
        AnnotationError: an archive that is none, or a workbook of before 2007.
        LimitError: more members than max_archive_members.
    """
    if content.data[:4] == _OLE:
        raise AnnotationError("a workbook of before 2007, or one with a password: save it as .xlsx", file=content.name)
    if content.data[:4] not in archive.MAGIC:
        return False
    try:
        names = archive.member_names(content.data, bounds=content.bounds, file=content.name)
    except LimitError:
        raise
    except InputError as error:
        raise AnnotationError(error.detail, file=content.name) from None
    if _PART not in names:
        raise AnnotationError(
            "an archive, and no .xlsx workbook: send label files one by one, as they are", file=content.name
        )
    return True


def read_workbooks(contents: Sequence[ParsedFile], options: AnnotationOptions, token: CancelToken) -> list[LabelFile]:
    """What workbooks hold, one by one: the rows of all sheets that are label tables.

    Raises:
        AnnotationError: a damaged workbook, or none of its sheets a label table; rows as read_table.
        LimitError: more cells than max_input_values, or larger unpacked than `bounds` allow.
    """
    for content in contents:
        _check(content, token)
    max_cells = contents[0].bounds.max_input_values
    try:
        books = run_in_child(
            read_sheets,
            [(content.name, str(content.file.path)) for content in contents],
            max_cells,
            memory_bytes=MEMORY_BYTES,
            seconds=SECONDS,
            token=token,
        )
    except ChildError as error:
        names = ", ".join(content.name for content in contents)
        raise AnnotationError(
            f"the workbook cannot be read: {error.detail}: a cell may stand far below or right of the table; copy the "
            "table into a new workbook, or save it as CSV",
            file=names,
        ) from None
    return [_found(content, sheets, options) for content, sheets in zip(contents, books, strict=True)]


def _found(content: ParsedFile, sheets: list[tuple[str, list[list[str]]]], options: AnnotationOptions) -> LabelFile:
    tables = [Table(content.name, f"{content.name}, sheet {name!s:.80}", rows) for name, rows in sheets]
    # A sheet of notes or of sums beside the tables is none of theirs.
    found = [one for table in tables if (one := read_table(table, options.columns)) is not None]
    if not found:
        raise AnnotationError(no_table(tables), file=content.name)
    return LabelFile(
        rows=tuple(row for one in found for row in one.rows),
        headers=frozenset().union(*(one.headers for one in found)),
    )


def _check(content: ParsedFile, token: CancelToken) -> None:
    """Unpack all of it once, to nowhere: what it says of its sizes is no bound."""
    try:
        for _ in archive.unpack(content.data, bounds=content.bounds, file=content.name, token=token):
            pass
    except LimitError:
        raise
    except InputError as error:
        raise AnnotationError(error.detail, file=content.name) from None
