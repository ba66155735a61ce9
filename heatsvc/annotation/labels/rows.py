"""LabelRow: a video with its label; and the parsing of cells."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.names import VideoName
from heatsvc.errors import InputError

_MAX_LABEL = 255
_MAX_INDEX = 1_000_000
_WHOLE = re.compile(r"[+-]?[0-9]{1,15}(\.0+)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?([0-9]{1,300}(\.[0-9]{0,300})?|\.[0-9]{1,300})", re.ASCII)


@dataclass(frozen=True, slots=True)
class LabelRow:
    """A video and its label, from a row of a label file.

    Attributes:
        video: its name.
        label: the label's text; None if only the index is known.
        index: the class index; None if only the label is known.
        columns: the text for each header of the table, and for signer, year, view and type if a header means one of
            these. Empty cells are left out.
        where: the place in its file, for messages: ``KETI.xlsx, sheet A, row 12``.
        others: different texts in other rows of the same video, by header.
    """

    video: VideoName
    label: str | None
    index: int | None
    columns: Mapping[str, str]
    where: str
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def texts(self, header: str) -> tuple[str, ...]:
        """All texts for a header, in any row of this video."""
        return (self.columns[header], *self.others.get(header, ())) if header in self.columns else ()


@dataclass(frozen=True, slots=True)
class ClassEntry:
    """A class in a label map: its label, its index and its place in the file, for messages."""

    label: str
    index: int
    where: str


@dataclass(frozen=True, slots=True)
class LabelFile:
    """The contents of one label file.

    Attributes:
        rows: videos.
        classes: classes, if it is a label map.
        headers: headers of all its columns.
        undecided: set if its texts with indices may be videos or classes, so that both `rows` and `classes` are filled:
            the default choice. Otherwise None.
    """

    rows: tuple[LabelRow, ...] = ()
    classes: tuple[ClassEntry, ...] = ()
    headers: frozenset[str] = field(default_factory=frozenset)
    undecided: Literal["rows", "classes"] | None = None


def undecided(pairs: Sequence[tuple[str, object, str]], file: str, otherwise: Literal["rows", "classes"]) -> LabelFile:
    """A file of texts and indices, which may be videos or classes.

    Args:
        pairs: text, index and place of each.
        file: the file's name.
        otherwise: the default choice.

    Raises:
        AnnotationError: an index is out of range; or a name is invalid and the file cannot be a label map.
    """
    indices = [parse_index(index, where, file) for _, index, where in pairs]
    may_be_classes = otherwise == "classes" or len(set(indices)) == len(indices)
    found: list[LabelRow] = []
    try:
        for (text, _, where), index in zip(pairs, indices, strict=True):
            found.append(LabelRow(parse_video_name(text, where, file), None, index, {}, where))
    except AnnotationError:
        if otherwise == "rows":
            raise
        found = []
    if not may_be_classes:
        return LabelFile(rows=tuple(found))
    classes = tuple(
        ClassEntry(parse_label(text, where, file) or "", index, where)
        for (text, _, where), index in zip(pairs, indices, strict=True)
    )
    return LabelFile(rows=tuple(found), classes=classes, undecided=otherwise if found else None)


def parse_video_name(text: str, where: str, file: str) -> VideoName:
    """Parse a video's name from a cell or a key, whose place and file are for messages.

    Raises:
        AnnotationError: the name is empty, too long, or has control characters.
    """
    try:
        video = VideoName.of(text.strip(), file=file)
    except InputError as error:
        raise AnnotationError(f"{where}: the video's {error.detail}", file=file) from None
    if not video.text:
        raise AnnotationError(f"{where}: the video's name is empty", file=file)
    return video


def parse_label(text: str, where: str, file: str) -> str | None:
    """Parse a label's text; None if it is empty.

    Raises:
        AnnotationError: the label is longer than 255 characters.
    """
    label = unicodedata.normalize("NFC", normalize_cell(text))
    if len(label) > _MAX_LABEL:
        raise AnnotationError(f"{where}: the label has {len(label):,} characters: {_MAX_LABEL} at most", file=file)
    return label or None


def parse_index(value: object, where: str, file: str) -> int:
    """Parse a class index from JSON or from a cell's text.

    Raises:
        AnnotationError: it is not a whole number from 0 to 1,000,000.
    """
    index = parse_whole_number(value) if isinstance(value, str) else value
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index <= _MAX_INDEX:
        raise AnnotationError(
            f"{where}: the class index must be a whole number from 0 to {_MAX_INDEX:,}, not {value!r:.40}", file=file
        )
    return index


def parse_whole_number(text: str) -> int | None:
    """Parse a whole number; None if the cell has none. ``10.0``, as spreadsheets write it, is 10."""
    text = text.strip()
    return int(text.partition(".")[0]) if _WHOLE.fullmatch(text) else None


def parse_number(text: str) -> float | None:
    """Parse a number; None if the cell has none."""
    text = text.strip()
    return float(text) if _NUMBER.fullmatch(text) else None


@lru_cache(maxsize=1024)
def normalize_cell(text: str) -> str:
    """Remove line breaks and surrounding spaces from a cell, and ``.0`` from a whole number."""
    text = " ".join(text.split()) if not text.isprintable() else text.strip()
    if text.endswith("0") and "." in text and _WHOLE.fullmatch(text):
        return text.partition(".")[0]
    return text
