"""The formats of label files that can be read. To add one is to add its function and an entry of `FORMATS`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.labels import csv_labels, json_labels
from heatsvc.annotation.labels.parsed_file import ParsedFile
from heatsvc.annotation.labels.rows import LabelFile
from heatsvc.annotation.labels.workbook import is_workbook, read_workbooks
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.cancel import CancelToken

FORMATS: dict[str, Callable[[ParsedFile, AnnotationOptions], LabelFile | None]] = {
    "JSON {name: {label, label_index}}": json_labels.read_json_rows,
    "JSON {label: index}, a label map": json_labels.read_json_map,
    "JSON {name: label}": json_labels.read_json_labels,
    "CSV with the header label,label_index, a label map": csv_labels.read_csv_map,
    "CSV of name,index without a header": csv_labels.read_csv_pairs,
    "CSV with a header, such as KETI's or name,label": csv_labels.read_csv_table,
}
"""What a file contains, and what reads it: None if it is of another format. The first that fits is taken."""

_WORKBOOK = "an .xlsx workbook, each sheet a table with 파일명 and 한국어"


def read_label_files(files: Sequence[ParsedFile], options: AnnotationOptions, token: CancelToken) -> list[LabelFile]:
    """The contents of each file, whose format is detected by its content.

    Raises:
        AnnotationError: a file of no known format, or a row that cannot be read.
        LimitError: larger than its bounds.
    """
    workbooks = [file for file in files if is_workbook(file)]
    of_workbooks = iter(read_workbooks(workbooks, options, token) if workbooks else [])
    found = []
    for file in files:
        token.raise_if_cancelled()
        found.append(next(of_workbooks) if file in workbooks else _read_text(file, options))
    return found


def _read_text(file: ParsedFile, options: AnnotationOptions) -> LabelFile:
    for read in FORMATS.values():
        if (found := read(file, options)) is not None:
            return found
    raise AnnotationError(f"none of these: {'; '.join((_WORKBOOK, *FORMATS))}", file=file.name)
