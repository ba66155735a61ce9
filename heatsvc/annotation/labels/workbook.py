"""Reads labels from the sheets of workbooks such as KETI's, in one child process for all workbooks of a dataset."""

from __future__ import annotations

from collections.abc import Sequence

from heatsvc.annotation.errors import AnnotationError, as_annotation_errors
from heatsvc.annotation.labels.parsed_file import ParsedFile
from heatsvc.annotation.labels.rows import LabelFile
from heatsvc.annotation.labels.tables import missing_columns, read_table
from heatsvc.annotation.native.sheets import read_sheets
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.cancel import CancelToken
from heatsvc.child import ChildError, run_in_child
from heatsvc.pose.archives import zip as archive

MEMORY_BYTES = 1 << 30
SECONDS = 120.0

_PART = "xl/workbook.xml"
_OLE = b"\xd0\xcf\x11\xe0"


def is_workbook(file: ParsedFile) -> bool:
    """Whether the file is an .xlsx workbook, which is a zip archive.

    Raises:
        AnnotationError: it is another archive, or an .xls workbook.
        LimitError: the archive has more members than max_archive_members.
    """
    if file.data[:4] == _OLE:
        raise AnnotationError(
            "the workbook is in .xls format, or has a password: save it as .xlsx without one", file=file.name
        )
    if file.data[:4] not in archive.MAGIC:
        return False
    with as_annotation_errors(file.name):
        names = archive.member_names(file.data, bounds=file.bounds, file=file.name)
    if _PART not in names:
        raise AnnotationError(
            "the archive is not an .xlsx workbook: send label files one by one, without an archive", file=file.name
        )
    return True


def read_workbooks(files: Sequence[ParsedFile], options: AnnotationOptions, token: CancelToken) -> list[LabelFile]:
    """The contents of each workbook: the rows of all sheets that are label tables.

    Raises:
        AnnotationError: a workbook is damaged, or has no sheet that is a label table; and what read_table raises.
        LimitError: there are more cells than max_input_values, or the unpacked size exceeds `bounds`.
    """
    for file in files:
        # Unpack everything once and discard it, since the sizes in the archive's directory may be wrong.
        with as_annotation_errors(file.name):
            for _ in archive.unpack(file.data, bounds=file.bounds, file=file.name, token=token):
                pass
    max_cells = files[0].bounds.max_input_values
    try:
        books = run_in_child(
            read_sheets,
            [(file.name, str(file.file.path)) for file in files],
            max_cells,
            memory_bytes=MEMORY_BYTES,
            seconds=SECONDS,
            token=token,
        )
    except ChildError as error:
        names = ", ".join(file.name for file in files)
        raise AnnotationError(
            f"the workbook cannot be read: {error}. A cell may be far below or right of the table: copy the table "
            "into a new workbook, or save it as CSV",
            file=names,
        ) from None
    return [_found(file, sheets, options) for file, sheets in zip(files, books, strict=True)]


def _found(file: ParsedFile, sheets: list[tuple[str, list[list[str]]]], options: AnnotationOptions) -> LabelFile:
    tables = [read_table(rows, f"{file.name}, sheet {name!s:.80}", file.name, options.columns) for name, rows in sheets]
    # Other sheets, such as notes or totals, are ignored.
    found = [table for table in tables if table is not None]
    if not found:
        raise AnnotationError(missing_columns([rows for _, rows in sheets]), file=file.name)
    return LabelFile(
        rows=tuple(row for one in found for row in one.rows),
        headers=frozenset().union(*(one.headers for one in found)),
    )
