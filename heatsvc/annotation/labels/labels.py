"""Labels: the videos that label files name, filtered, each with its class."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.inputs import InputFile
from heatsvc.annotation.labels import csv_labels, json_labels
from heatsvc.annotation.labels.classes import assign_class_indices
from heatsvc.annotation.labels.filters import columns_text, filter_rows
from heatsvc.annotation.labels.merge import merge
from heatsvc.annotation.labels.parsed_file import ParsedFile
from heatsvc.annotation.labels.rows import LabelFile, LabelRow
from heatsvc.annotation.labels.tables import normalize_header
from heatsvc.annotation.labels.workbook import is_workbook, read_workbooks
from heatsvc.annotation.names import NameIndex, VideoName
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.cancel import NEVER_CANCELLED, CancelToken

FORMATS: dict[str, Callable[[ParsedFile, AnnotationOptions], LabelFile | None]] = {
    "JSON {name: {label, label_index}}": json_labels.read_json_rows,
    "JSON {label: index}, a label map": json_labels.read_json_map,
    "JSON {name: label}": json_labels.read_json_labels,
    "CSV with the header label,label_index, a label map": csv_labels.read_csv_map,
    "CSV of name,index without a header": csv_labels.read_csv_pairs,
    "CSV with a header, such as KETI's or name,label": csv_labels.read_csv_table,
}
"""What a file contains, and what reads it: None if it is of another format. The first that fits is taken.

To add a format is to add a function and an entry.
"""

_WORKBOOK = "an .xlsx workbook, each sheet a table with 파일명 and 한국어"


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """All label files of a dataset.

    Attributes:
        rows: the videos used, one row each with label and index, sorted by the parts of their names.
        classes: labels by class index; "" at an index without one, the index as text where only that is known.
        filtered: how many videos each filter in the options left out, by the option's name.
        headers: columns of the tables.
        index: finds rows by any spelling of the name.
        known: finds videos used (positions of rows) and, after them, those that filters left out.
    """

    rows: tuple[LabelRow, ...]
    classes: tuple[str, ...]
    filtered: Mapping[str, int]
    headers: frozenset[str]
    index: NameIndex
    known: NameIndex

    def find_row(self, video: VideoName, where: str, file: str) -> int | None:
        """The position of a video's row; None where filters left it out, or it is not in the labels.

        Args:
            video: its name in another file.
            where: the name's place there, for messages.
            file: the file's name.

        Raises:
            AnnotationError: the name matches several videos.
        """
        rows = [position for position in self.known.find(video) if position < len(self.rows)]
        if len(rows) > 1:
            first, second = (self.rows[position] for position in rows[:2])
            raise AnnotationError(
                f"{where}: {video.text!r:.100} may be {first.video.text!r:.100} ({first.where}) or "
                f"{second.video.text!r:.100} ({second.where}): give its folder, too",
                file=file,
            )
        return rows[0] if rows else None


def read_labels(
    files: Sequence[InputFile],
    options: AnnotationOptions,
    bounds: Bounds = DEFAULT_BOUNDS,
    token: CancelToken = NEVER_CANCELLED,
) -> Labels:
    """The videos that label files name, filtered, each with its class.

    Args:
        files: tables and label maps of any format, detected by content; merged.
        options: filters, and names of columns.
        bounds: how large a file may be.
        token: checked between steps; cancels the work.

    Raises:
        AnnotationError: a file of no known format, a row that cannot be read, files that contradict each other, a
            filter on a column that no table has, or no video left.
        LimitError: larger than `bounds` allow.
    """
    if not files:
        raise AnnotationError("no label files: send at least one, such as KETI's workbook", field="labels")
    found = _read_files([ParsedFile(file, bounds) for file in files], options, token)
    headers = frozenset().union(*(file.headers for file in found))
    _check_columns(options, headers)
    rows = merge(found)
    if not rows:
        raise AnnotationError("the label files name no video: a label map alone is not enough", field="labels")
    used, left_out, filtered = filter_rows(rows, options, headers)
    if not used:
        counts = ", ".join(f"{name} {count:,}" for name, count in filtered.items())
        raise AnnotationError(f"the filters leave none of {len(rows):,} videos: {counts} left out", field="labels")
    numbered, classes = assign_class_indices(used, (entry for file in found for entry in file.classes))
    numbered.sort(key=lambda row: row.video.parts)
    left_out.sort(key=lambda row: row.video.parts)
    index = NameIndex(row.video for row in numbered)
    known = NameIndex(row.video for row in (*numbered, *left_out)) if left_out else index
    return Labels(tuple(numbered), classes, filtered, headers, index, known)


def _read_files(files: Sequence[ParsedFile], options: AnnotationOptions, token: CancelToken) -> list[LabelFile]:
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


def _check_columns(options: AnnotationOptions, headers: frozenset[str]) -> None:
    known = {normalize_header(header) for header in headers}
    for key in ("name", "label"):
        wanted = getattr(options.columns, key)
        if wanted is not None and normalize_header(wanted) not in known:
            raise AnnotationError(
                f"no label file has a column {wanted!r:.80}: they have {columns_text(sorted(headers)) or 'none'}",
                field=f"columns.{key}",
            )
