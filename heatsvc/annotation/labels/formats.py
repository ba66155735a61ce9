"""The formats of label files that can be read. To add one is to add its two functions and an entry of `FORMATS`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.labels import csv_labels, json_labels
from heatsvc.annotation.labels.parsed_file import ParsedFile
from heatsvc.annotation.labels.rows import LabelFile
from heatsvc.annotation.labels.workbook import is_workbook, read_workbooks
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.cancel import CancelToken

ReadFiles = Callable[[Sequence[ParsedFile], AnnotationOptions, CancelToken], list[LabelFile]]


@dataclass(frozen=True, slots=True)
class LabelFormat:
    """A format of label files.

    Attributes:
        title: what such a file contains, in one line.
        recognize: whether a file is of this format; the first format that recognizes a file reads it.
        read: the contents of files of this format, one by one.
    """

    title: str
    recognize: Callable[[ParsedFile], bool]
    read: ReadFiles


def _each(read: Callable[[ParsedFile, AnnotationOptions], LabelFile]) -> ReadFiles:
    def read_files(files: Sequence[ParsedFile], options: AnnotationOptions, token: CancelToken) -> list[LabelFile]:
        found = []
        for file in files:
            token.raise_if_cancelled()
            found.append(read(file, options))
        return found

    return read_files


FORMATS: tuple[LabelFormat, ...] = (
    LabelFormat("an .xlsx workbook, each sheet a table with 파일명 and 한국어", is_workbook, read_workbooks),
    LabelFormat("JSON {name: {label, label_index}}", json_labels.is_json_rows, _each(json_labels.read_json_rows)),
    LabelFormat("JSON {label: index}, a label map", json_labels.is_json_map, _each(json_labels.read_json_map)),
    LabelFormat("JSON {name: label}", json_labels.is_json_labels, _each(json_labels.read_json_labels)),
    LabelFormat(
        "CSV with the header label,label_index, a label map", csv_labels.is_csv_map, _each(csv_labels.read_csv_map)
    ),
    LabelFormat("CSV of name,index without a header", csv_labels.is_csv_pairs, _each(csv_labels.read_csv_pairs)),
    LabelFormat(
        "CSV with a header, such as KETI's or name,label", csv_labels.is_csv_table, _each(csv_labels.read_csv_table)
    ),
)


def format_of(file: ParsedFile) -> LabelFormat:
    """The format of a file, by its content.

    Raises:
        AnnotationError: none of them.
        LimitError: larger than its bounds.
    """
    for chosen in FORMATS:
        if chosen.recognize(file):
            return chosen
    raise AnnotationError(f"none of these: {'; '.join(known.title for known in FORMATS)}", file=file.name)
