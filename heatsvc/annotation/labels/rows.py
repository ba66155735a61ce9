"""Rows of label files: a video with its label, and what its cells may hold."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.names import VideoName
from heatsvc.errors import InputError

MAX_INDEX = 1_000_000
"""The largest class index."""

_WHOLE = re.compile(r"[+-]?[0-9]{1,15}(\.0+)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?([0-9]{1,300}(\.[0-9]{0,300})?|\.[0-9]{1,300})", re.ASCII)


def parse_whole_number(text: str) -> int | None:
    """The whole number that a cell holds, None where it holds none; ``10.0`` is 10, as programs write a number."""
    text = text.strip()
    return int(text.partition(".")[0]) if _WHOLE.fullmatch(text) else None


def parse_number(text: str) -> float | None:
    """The number that a cell holds, None where it holds none."""
    text = text.strip()
    return float(text) if _NUMBER.fullmatch(text) else None


@lru_cache(maxsize=1024)
def normalize_cell(text: str) -> str:
    """A cell without space around it and without line breaks, a whole number without ``.0``: 10 is never "10.0"."""
    text = " ".join(text.split()) if not text.isprintable() else text.strip()
    if text.endswith("0") and "." in text and _WHOLE.fullmatch(text):
        return text.partition(".")[0]
    return text


MAX_LABEL = 255
"""Characters of a label."""


@dataclass(frozen=True, slots=True)
class LabelRow:
    """A video and its label.

    Attributes:
        video: its name.
        label: the label's text; None where only the index is known.
        index: the class index; None where only the label is known.
        columns: the text under every header of the table, and under signer, year, view and type where the header
            is known for one of these. Empty cells are left out.
        where: where it stands, for messages: ``KETI.xlsx, sheet A, row 12``.
        others: by header the further, different texts that other rows about the same video have there.
    """

    video: VideoName
    label: str | None
    index: int | None
    columns: Mapping[str, str]
    where: str
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def texts(self, header: str) -> tuple[str, ...]:
        """All that the rows about this video have under a header."""
        return (self.columns[header], *self.others.get(header, ())) if header in self.columns else ()


@dataclass(frozen=True, slots=True)
class ClassEntry:
    """What a label map says of a class.

    Attributes:
        label: its text.
        index: its index.
        where: where it stands, for messages.
    """

    label: str
    index: int
    where: str


@dataclass(frozen=True, slots=True)
class LabelFile:
    """What one label file holds.

    Attributes:
        rows: videos.
        classes: classes, where it is a label map.
        headers: headers of all its columns.
    """

    rows: tuple[LabelRow, ...] = ()
    classes: tuple[ClassEntry, ...] = ()
    headers: frozenset[str] = field(default_factory=frozenset)


def parse_video_name(text: str, where: str, file: str) -> VideoName:
    """A video's name.

    Raises:
        AnnotationError: empty, too long, or with control characters in it.
    """
    try:
        video = VideoName.of(text.strip(), file=file)
    except InputError as error:
        raise AnnotationError(f"{where}: the video's {error.detail}", file=file) from None
    if not video.text:
        raise AnnotationError(f"{where}: the video's name is empty", file=file)
    return video


def parse_label(text: str, where: str, file: str) -> str | None:
    """A label's text, None where it is empty.

    Raises:
        AnnotationError: longer than 255 characters.
    """
    label = unicodedata.normalize("NFC", normalize_cell(text))
    if len(label) > MAX_LABEL:
        raise AnnotationError(f"{where}: the label has {len(label):,} characters: {MAX_LABEL} at most", file=file)
    return label or None


def parse_index(value: object, where: str, file: str) -> int:
    """A class index, from JSON or from a cell's text.

    Raises:
        AnnotationError: no whole number from 0 to 1,000,000.
    """
    index = parse_whole_number(value) if isinstance(value, str) else value
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index <= MAX_INDEX:
        raise AnnotationError(
            f"{where}: the class index must be a whole number from 0 to {MAX_INDEX:,}, not {value!r:.40}", file=file
        )
    return index
