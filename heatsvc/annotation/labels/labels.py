"""Labels: the videos that label files name, filtered, each with its class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.inputs import InputFile
from heatsvc.annotation.labels.classes import assign_class_indices
from heatsvc.annotation.labels.filters import columns_text, filter_rows
from heatsvc.annotation.labels.formats import FORMS, format_of
from heatsvc.annotation.labels.merge import merge
from heatsvc.annotation.labels.parsed_file import ParsedFile
from heatsvc.annotation.labels.rows import LabelFile, LabelRow
from heatsvc.annotation.labels.tables import normalize_header
from heatsvc.annotation.names import NameIndex
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.cancel import NEVER_CANCELLED, CancelToken


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """What all label files say together.

    Attributes:
        rows: the videos used, one row each with label and index, sorted by the parts of their names.
        classes: labels by class index; "" at an index that has none, the index as text where only that is known.
        filtered: how many videos each filter left out, by the option's name; the filters asked for alone.
        headers: columns that the tables have.
        index: finds rows by any spelling of the name.
        known: finds videos used (positions of rows) and, behind them, those that filters left out.
    """

    rows: tuple[LabelRow, ...]
    classes: tuple[str, ...]
    filtered: Mapping[str, int]
    headers: frozenset[str]
    index: NameIndex
    known: NameIndex


def read_labels(
    files: Sequence[InputFile],
    options: AnnotationOptions,
    bounds: Bounds = DEFAULT_BOUNDS,
    token: CancelToken = NEVER_CANCELLED,
) -> Labels:
    """The videos that label files name, filtered, each with its class.

    Args:
        files: tables and label maps of any form, told by their content; merged.
        options: filters, and names of columns.
        bounds: how large a file may be.
        token: ends the work early.

    Raises:
        AnnotationError: a file of no known form, a row that cannot be read, files that contradict each other, a filter
            on a column that no table has, or no video left.
        LimitError: larger than `bounds` allow.
    """
    if not files:
        raise AnnotationError("no label files: send at least one, such as KETI's workbook", field="labels")
    found = _read([ParsedFile(file, bounds) for file in files], options, token)
    headers = frozenset().union(*(one.headers for one in found))
    _check_columns(options, headers)
    rows = merge(found)
    if not rows:
        raise AnnotationError("the label files name no video: a label map alone is not enough", field="labels")
    used, left_out, filtered = filter_rows(rows, options, headers)
    if not used:
        counts = ", ".join(f"{name} {count:,}" for name, count in filtered.items())
        raise AnnotationError(f"the filters leave none of {len(rows):,} videos: {counts} left out", field="labels")
    numbered, classes = assign_class_indices(used, (entry for one in found for entry in one.classes))
    numbered.sort(key=lambda row: row.video.parts)
    left_out.sort(key=lambda row: row.video.parts)
    index = NameIndex(row.video for row in numbered)
    return Labels(
        rows=tuple(numbered),
        classes=classes,
        filtered=filtered,
        headers=headers,
        index=index,
        known=NameIndex(row.video for row in (*numbered, *left_out)) if left_out else index,
    )


def _read(contents: Sequence[ParsedFile], options: AnnotationOptions, token: CancelToken) -> list[LabelFile]:
    """What each file holds, in the order of the files; those of one form are read together."""
    forms = [format_of(content) for content in contents]
    found: dict[int, LabelFile] = {}
    for form in FORMS:
        positions = [position for position, its in enumerate(forms) if its is form]
        if positions:
            several = form.read([contents[position] for position in positions], options, token)
            found.update(zip(positions, several, strict=True))
    return [found[position] for position in range(len(contents))]


def _check_columns(options: AnnotationOptions, headers: frozenset[str]) -> None:
    plain_headers = {normalize_header(header) for header in headers}
    for key in ("name", "label"):
        wanted = getattr(options.columns, key)
        if wanted is not None and normalize_header(wanted) not in plain_headers:
            raise AnnotationError(
                f"no label file has a column {wanted!r:.80}: they have {columns_text(sorted(headers)) or 'none'}",
                field=f"columns.{key}",
            )
