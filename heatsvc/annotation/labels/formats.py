"""The forms of label files that can be read. To add one is to add a file and an entry here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.labels.csv_labels import (
    is_csv,
    is_csv_map,
    is_csv_pairs,
    read_csv_map,
    read_csv_pairs,
    read_csv_table,
)
from heatsvc.annotation.labels.json_labels import (
    is_json_labels,
    is_json_map,
    is_json_rows,
    read_json_labels,
    read_json_map,
    read_json_rows,
)
from heatsvc.annotation.labels.parsed_file import ParsedFile
from heatsvc.annotation.labels.rows import LabelFile
from heatsvc.annotation.labels.workbook import is_workbook, read_workbooks
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.cancel import CancelToken

Read = Callable[[Sequence[ParsedFile], AnnotationOptions, CancelToken], list[LabelFile]]


@dataclass(frozen=True, slots=True)
class LabelFormat:
    """A form of label file.

    Attributes:
        name: what it is called.
        about: what stands in it, for people.
        fits: whether a file's content is of this form; the first form that fits counts.
        read: what files of this form hold, one by one; asks now and then whether to go on.
    """

    name: str
    about: str
    fits: Callable[[ParsedFile], bool]
    read: Read


def _each(read: Callable[[ParsedFile, AnnotationOptions], LabelFile]) -> Read:
    def several(contents: Sequence[ParsedFile], options: AnnotationOptions, token: CancelToken) -> list[LabelFile]:
        found = []
        for content in contents:
            token.raise_if_cancelled()
            found.append(read(content, options))
        return found

    return several


FORMS: tuple[LabelFormat, ...] = (
    LabelFormat(
        "workbook", "an .xlsx workbook, each sheet a table with 파일명 and 한국어", is_workbook, read_workbooks
    ),
    LabelFormat("json-rows", "JSON {name: {label, label_index}}", is_json_rows, _each(read_json_rows)),
    LabelFormat("json-map", "JSON {label: index}, a label map", is_json_map, _each(read_json_map)),
    LabelFormat("json-labels", "JSON {name: label}", is_json_labels, _each(read_json_labels)),
    LabelFormat("csv-map", "CSV with the header label,label_index, a label map", is_csv_map, _each(read_csv_map)),
    LabelFormat("csv-pairs", "CSV of name,index without a header", is_csv_pairs, _each(read_csv_pairs)),
    LabelFormat("csv-table", "CSV with a header, such as KETI's or name,label", is_csv, _each(read_csv_table)),
)


def format_of(content: ParsedFile) -> LabelFormat:
    """The form of a file, by its content.

    Raises:
        AnnotationError: none of them.
        LimitError: larger than `bounds` allow.
    """
    for form in FORMS:
        if form.fits(content):
            return form
    raise AnnotationError(f"none of these: {'; '.join(form.about for form in FORMS)}", file=content.name)
