"""Reads label tables with a header: finds their columns, and reads the videos in their rows."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.labels.rows import (
    LabelFile,
    LabelRow,
    normalize_cell,
    parse_index,
    parse_label,
    parse_number,
    parse_video_name,
)
from heatsvc.annotation.native.sheets import Rows
from heatsvc.annotation.options import Columns

NAME = (
    *("파일명", "파일이름", "filename", "file", "framedir", "videoname", "videoid", "youtubeid", "name"),
    *("video", "videofile", "videopath", "path", "filepath", "clip", "id"),
)
"""Headers of the column of video names, the likeliest first."""

LABEL = (
    *("한국어", "label", "labelname", "words", "word", "glosses", "gloss", "class", "classname", "category", "라벨"),
    *("sign", "orth", "annotation", "text", "cleantext"),
)
"""Headers of the column of labels, the likeliest first."""

LABEL_TEXT = ("labelname", "classname", "text", "cleantext", "gloss", "word", "sign")
"""Headers of the column of label texts in a table whose column of labels has whole numbers."""

SPLIT = ("split", "subset", "set", "partition", "fold", "usage")
"""Headers of the column of splits."""

INDEX = ("labelindex", "labelid", "classindex", "classid")
"""Headers of the column of class indices. ``index`` is not one of them: tables use it to number their rows."""

KNOWN: Mapping[str, tuple[str, ...]] = {
    "signer": ("언어제공자id", "언어제공자", "signer", "signerid", "speaker", "participantid"),
    "year": ("취득연도", "year"),
    "view": ("방향", "view"),
    "type": ("타입(단어/문장)", "타입", "type"),
}
"""Columns with English names in the options, and their usual headers."""


@dataclass(frozen=True, slots=True)
class Header:
    """The columns of a table.

    Attributes:
        name, label, index: indices of the columns of video names, labels and class indices; None if missing.
        columns: index and text of every header that is not empty, and index and key of headers in KNOWN.
    """

    name: int | None
    label: int | None
    index: int | None
    columns: tuple[tuple[int, str], ...]

    @classmethod
    def of(cls, cells: Sequence[str], columns: Columns) -> Header:
        """Read a row of cells as a header. If it lacks a column that the options name, known headers are tried."""
        texts = [normalize_cell(cell) for cell in cells]
        named: dict[str, int] = {}
        for position, text in enumerate(texts):
            if text:
                named.setdefault(text, position)
        known = ((find_column(texts, headers), key) for key, headers in KNOWN.items())
        return cls(
            name=find_column(texts, filter(None, (columns.name, *NAME))),
            label=find_column(texts, filter(None, (columns.label, *LABEL))),
            index=find_column(texts, INDEX),
            columns=(
                *((position, text) for text, position in named.items()),
                *((position, key) for position, key in known if position is not None),
            ),
        )

    @property
    def is_table(self) -> bool:
        """Whether it has the columns that a label table needs."""
        return self.name is not None and (self.label is not None or self.index is not None)

    def texts(self, cells: Sequence[str]) -> dict[str, str]:
        """A row's non-empty cells by header, and by the keys of KNOWN."""
        texts = [normalize_cell(cell) for cell in cells]
        return {
            header: text for position, header in self.columns if position < len(texts) and (text := texts[position])
        }


@lru_cache(maxsize=1024)
def normalize_header(header: str) -> str:
    """Normalize a header for comparison: lower case, without spaces, line breaks, hyphens and underscores."""
    text = unicodedata.normalize("NFKC", header).casefold()
    return "".join(text.split()).replace("_", "").replace("-", "")


def find_column(cells: Sequence[str], headers: Iterable[str]) -> int | None:
    """The index of the first of some headers that a row has; None if it has none of them."""
    found = [normalize_header(cell) for cell in cells]
    return next((found.index(header) for header in map(normalize_header, headers) if header in found), None)


# Number of rows in which the header is searched, since a title may precede it.
_HEADER_WITHIN = 20
_SUMS = ("합계", "총계", "총합", "소계", "sum", "total", "grandtotal")


def read_table(table: Rows, where: str, file: str, columns: Columns) -> LabelFile | None:
    """The videos of a table; None if it lacks the column of names or of labels.

    Args:
        table: its rows.
        where: the file and, in a workbook, the sheet, for messages.
        file: the file's name.
        columns: names of columns in the options.

    Raises:
        AnnotationError: a row has no name, but is neither empty nor a total.
    """
    headers = ((position, Header.of(cells, columns)) for position, cells in enumerate(table[:_HEADER_WITHIN]))
    top, header = next(((position, header) for position, header in headers if header.is_table), (0, None))
    if header is None:
        return None
    rows = []
    for position, cells in enumerate(table[top + 1 :], top + 2):
        row = read_row(cells, header, f"{where}, row {position}", file)
        if row is not None:
            rows.append(row)
    return LabelFile(rows=tuple(rows), headers=frozenset(text for _, text in header.columns))


def missing_columns(tables: Sequence[Rows]) -> str:
    """The message about a file without a known header, with its headers and what to do."""
    seen = [cell.strip() for table in tables for cells in table[:1] for cell in cells if cell.strip()]
    if not seen:
        return "the table is empty"
    return (
        f"the first row, {', '.join(map(repr, seen[:12]))!s:.300}, has no known columns of video names and labels: "
        "call them 파일명 and 한국어, or name and label, or set their names in the "
        'options, {"columns": {"name": …, "label": …}}; '
        "send a list of classes as a JSON list if labels contain commas"
    )


def read_row(cells: Sequence[str], header: Header, where: str, file: str) -> LabelRow | None:
    """The video of a row; None if it is empty or a total.

    Raises:
        AnnotationError: another row has no name; or a name, label or index is invalid.
    """
    name, label, index = (_cell(cells, position) for position in (header.name, header.label, header.index))
    if not name or not (label or index):
        if _is_sum(cells):
            return None
        if not name:
            raise AnnotationError(f"{where}: the row has no video name, but is neither empty nor a total", file=file)
    return LabelRow(
        video=parse_video_name(name, where, file),
        label=parse_label(label, where, file),
        index=parse_index(index, where, file) if index else None,
        columns=header.texts(cells),
        where=where,
    )


def _cell(cells: Sequence[str], position: int | None) -> str:
    return cells[position].strip() if position is not None and position < len(cells) else ""


def _is_sum(cells: Sequence[str]) -> bool:
    """Whether a row is empty, has only numbers, or is labeled as a total."""
    texts = ["".join(cell.split()).casefold().rstrip(":") for cell in cells]
    return any(text in _SUMS for text in texts) or all(not text or parse_number(text) is not None for text in texts)
