"""NamePattern: columns in the names of videos, such as the signer in ``signer0_sample1``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.labels.rows import LabelRow, normalize_cell
from heatsvc.annotation.names import VideoName

_COLUMN = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]{0,39})\}")
_EXAMPLE = 'such as "signer{signer}_sample{sample}"'
_MAX_COLUMNS = 20


@dataclass(frozen=True, slots=True)
class NamePattern:
    """A pattern of literal text and columns, which alternate.

    Unlike a regular expression, any pattern matches in time proportional to the length of the name.

    Attributes:
        text: the pattern: ``NIA_SL_{word}_REAL{signer}_{view}``.
        literals: the lower-case texts around the columns, one more than there are columns.
        columns: names of the columns.
    """

    text: str
    literals: tuple[str, ...]
    columns: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> NamePattern:
        """Parse a pattern.

        Raises:
            ValueError: there are no columns or too many, one is repeated, two are adjacent, or a brace is unpaired.
        """
        pieces = _COLUMN.split(text)
        literals, columns = tuple(piece.lower() for piece in pieces[::2]), tuple(pieces[1::2])
        if not columns or any("{" in literal or "}" in literal for literal in literals):
            raise ValueError(f"must have columns in braces, {_EXAMPLE}, not {text!r:.100}")
        if len(columns) > _MAX_COLUMNS:
            raise ValueError(f"has {len(columns)} columns: {_MAX_COLUMNS} at most")
        if len(set(columns)) < len(columns):
            raise ValueError(f"has the same column twice: {text!r:.100}")
        if not all(literals[1:-1]):
            raise ValueError(f"must have text between two columns, {_EXAMPLE}, not {text!r:.100}")
        return cls(text, literals, columns)

    def find(self, video: VideoName) -> dict[str, str]:
        """The columns of a name, each as short as possible; empty if the name does not match.

        Case is ignored. The number of folders in the pattern decides how many folders of the name are compared.
        """
        folders = "".join(self.literals).count("/")
        name = "/".join(video.text.split("/")[-1 - folders :])
        plain = name.lower()
        if len(plain) != len(name) or not plain.startswith(self.literals[0]):
            return {}
        found = {}
        start = len(self.literals[0])
        for column, literal in zip(self.columns, self.literals[1:], strict=True):
            if column == self.columns[-1]:
                end = len(name) - len(literal) if plain.endswith(literal) else -1
            else:
                end = plain.find(literal, start + 1)
            if end <= start:
                return {}
            found[column] = normalize_cell(name[start:end])
            start = end + len(literal)
        return found


def add_columns(rows: Sequence[LabelRow], pattern: NamePattern) -> list[LabelRow]:
    """Add the columns of their names to the rows, replacing columns of the tables.

    Raises:
        AnnotationError: no name matches the pattern.
    """
    found = [pattern.find(row.video) for row in rows]
    if rows and not any(found):
        raise AnnotationError(
            f"no name of a video, such as {rows[0].video.text!r:.100}, matches name_pattern {pattern.text!r:.100}: "
            f"write the text of the names with columns in braces, {_EXAMPLE}",
            field="name_pattern",
        )
    return [
        replace(row, columns={**row.columns, **columns}) if columns else row
        for row, columns in zip(rows, found, strict=True)
    ]
