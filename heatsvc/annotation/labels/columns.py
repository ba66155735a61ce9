"""Columns of label tables: what their headers are called, KETI's and others', and what they hold."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from heatsvc.annotation.labels.numbers import spoken
from heatsvc.annotation.options import Columns

NAME = (
    *("파일명", "파일이름", "filename", "file", "videoname", "video", "videofile", "videopath"),
    *("path", "filepath", "framedir", "videoid", "clip", "name"),
)
"""Headers of the column of video names, the likelier first."""

LABEL = (
    *("한국어", "label", "labelname", "words", "word", "glosses", "gloss"),
    *("class", "classname", "category", "라벨"),
)
"""Headers of the column of labels."""

INDEX = ("labelindex", "labelid", "classindex", "classid")
"""Headers of the column of class indices. ``index`` alone is not one: tables number their rows under it."""

KNOWN: Mapping[str, tuple[str, ...]] = {
    "signer": ("언어제공자id", "언어제공자", "signer", "signerid"),
    "year": ("취득연도", "year"),
    "view": ("방향", "view"),
    "type": ("타입(단어/문장)", "타입", "type"),
}
"""Columns that options name in English, and their headers."""


@dataclass(frozen=True, slots=True)
class Header:
    """Where a table's columns stand.

    Attributes:
        name, label, index: positions of the columns of video names, labels and class indices, None where there is none.
        named: position and text of every header that has one.
        known: positions by the keys of KNOWN.
    """

    name: int | None
    label: int | None
    index: int | None
    named: tuple[tuple[int, str], ...]
    known: tuple[tuple[int, str], ...]

    @classmethod
    def of(cls, cells: Sequence[str], columns: Columns) -> Header:
        """The header that a row of cells makes.

        Args:
            cells: the row.
            columns: what the options call the columns; where the row has no such column the known headers count.
        """
        positions: dict[str, int] = {}
        named: dict[str, int] = {}
        for position, cell in enumerate(cells):
            if text := spoken(cell):
                positions.setdefault(plain(text), position)
                named.setdefault(text, position)
        return cls(
            name=_first(positions, columns.name, NAME),
            label=_first(positions, columns.label, LABEL),
            index=_first(positions, None, INDEX),
            named=tuple((position, text) for text, position in named.items()),
            known=tuple(
                (known, key)
                for key, headers in KNOWN.items()
                if (known := _first(positions, None, headers)) is not None
            ),
        )

    @property
    def is_table(self) -> bool:
        """Whether videos and what they show stand under it."""
        return self.name is not None and (self.label is not None or self.index is not None)

    def columns(self, cells: Sequence[str]) -> dict[str, str]:
        """What a row holds: each cell under its header, and under the keys of KNOWN; no empty cells."""
        texts = [spoken(cell) for cell in cells]
        return {
            header: text
            for position, header in self.named + self.known
            if position < len(texts) and (text := texts[position])
        }


@lru_cache(maxsize=1024)
def plain(header: str) -> str:
    """A header for comparing: no space, line breaks, hyphens or underscores, in small letters."""
    text = unicodedata.normalize("NFKC", header).casefold()
    return "".join(text.split()).replace("_", "").replace("-", "")


def _first(positions: Mapping[str, int], wanted: str | None, headers: Sequence[str]) -> int | None:
    if wanted is not None and (position := positions.get(plain(wanted))) is not None:
        return position
    return next((positions[header] for header in headers if header in positions), None)
