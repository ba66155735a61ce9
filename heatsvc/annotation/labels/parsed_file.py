"""ParsedFile: a small file that is parsed at most once as JSON or as CSV, however many formats are tried on it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import orjson

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.native.sheets import MAX_CELL, MAX_COLUMNS, MAX_ROWS, Rows
from heatsvc.bounds import Bounds

_SEPARATORS = ",;\t|"
# As much of a table as shows its separator: on a text of quotes the time of csv.Sniffer grows with the square.
_SNIFFED_LINES, _SNIFFED_CHARACTERS = 20, 2_048
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
# UTF-16 without a mark is full of NUL, ISO-2022-JP of ESC; no label file in UTF-8 has either.
_NOT_IN_UTF8 = (b"\x00", b"\x1b")
ASSUMED_ENCODING = "cp949"
"""Of text that is neither in UTF-8 nor in UTF-16: most tables of Korean sign language are saved so."""


class Source(Protocol):
    """A file with a name: one of its own, or one in an archive."""

    @property
    def name(self) -> str:
        """The sender's name for it."""

    @property
    def path(self) -> Path | str:
        """Where it is on disk, or the archive that has it."""

    def read(self, bounds: Bounds) -> bytes:
        """Its bytes."""


@dataclass(frozen=True)
class ParsedFile:
    """A file of labels, of a split or of frame counts.

    Attributes:
        file: its bytes and name.
        bounds: how large it may be.
        given_encoding: the encoding of text that is neither in UTF-8 nor in UTF-16; None where it is to be assumed.
    """

    file: Source
    bounds: Bounds
    given_encoding: str | None = None

    @property
    def name(self) -> str:
        """The name for messages."""
        return self.file.name

    @cached_property
    def data(self) -> bytes:
        """Its bytes.

        Raises:
            LimitError: more than max_unpacked_bytes.
        """
        return self.file.read(self.bounds)

    @cached_property
    def is_json(self) -> bool:
        """Whether it begins like a JSON object or list."""
        return self.text[:256].lstrip()[:1] in ("{", "[")

    @cached_property
    def json(self) -> Any:
        """The parsed JSON; None where it is not JSON.

        Raises:
            AnnotationError: broken JSON, or an object with two values under one key.
            LimitError: more values than max_input_values.
        """
        if not self.is_json:
            return None
        data = self.text
        self.bounds.check("max_input_values", data.count(",") + 1, "JSON values", file=self.name)
        levels = data.count("[") + data.count("{")
        self.bounds.check("max_input_values", levels, "JSON lists and objects", file=self.name)
        try:
            # orjson is the stricter one: no NaN, no unpaired surrogates. Only json reports repeated keys.
            orjson.loads(data)
            return json.loads(data, object_pairs_hook=self._object)
        except AnnotationError:
            raise
        except (ValueError, RecursionError) as error:
            raise AnnotationError(f"the JSON is broken: {error!s:.200}", file=self.name) from None

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            seen: dict[str, Any] = {}
            for key, value in pairs:
                if seen.setdefault(key, value) != value:
                    raise AnnotationError(
                        f"the key {key!r:.100} occurs twice with different values: keep one of them", file=self.name
                    )
        return found

    @property
    def text(self) -> str:
        """Its text.

        Raises:
            AnnotationError: not in the encoding that was given or assumed.
        """
        return self._decoded[0]

    @property
    def encoding(self) -> str:
        """The encoding of its text, by the name that Python's codecs have."""
        return self._decoded[1]

    @property
    def is_encoding_assumed(self) -> bool:
        """Whether its bytes do not tell the encoding, and nobody has given it."""
        return self.given_encoding is None and self.encoding == ASSUMED_ENCODING

    @cached_property
    def _decoded(self) -> tuple[str, str]:
        """Text and encoding: UTF-8 with or without a byte-order mark, UTF-16 with one, else as given or assumed."""
        for encoding in self._encodings():
            with suppress(UnicodeDecodeError):
                return self.data.decode(encoding).removeprefix("\ufeff"), encoding
        if self.given_encoding is not None:
            raise AnnotationError(
                f"the file is not text in {self.given_encoding}, which the option encoding gives, nor in UTF-8",
                file=self.name,
            )
        raise AnnotationError(
            "the file is neither text in UTF-8 or CP949 nor a workbook: save it as one, or give its encoding in the "
            'options, such as {"encoding": "gb18030"}',
            file=self.name,
        )

    def _encodings(self) -> tuple[str, ...]:
        """What its text may be encoded in, the likelier first."""
        if self.data[:2] in _UTF16:
            return ("utf-16",)
        is_text = not any(byte in self.data for byte in _NOT_IN_UTF8)
        if self.given_encoding is not None:
            return ("utf-8-sig", self.given_encoding) if is_text else (self.given_encoding,)
        return ("utf-8-sig", ASSUMED_ENCODING) if is_text else ()

    @cached_property
    def rows(self) -> Rows:
        """Its rows as CSV, separated by commas, semicolons, tabs or vertical bars.

        Raises:
            AnnotationError: not text, broken CSV, or more rows, columns or text than a label table has.
            LimitError: more cells than max_input_values.
        """
        text = self.text
        separator = self._separator
        lines = text.count("\n") + text.count("\r") + 1
        self.bounds.check("max_input_values", text.count(separator) + lines, "cells", file=self.name)
        rows: Rows = []
        try:
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
                if len(rows) >= MAX_ROWS:
                    raise AnnotationError(f"the table has more than {MAX_ROWS:,} rows", file=self.name)
                if len(row) > MAX_COLUMNS:
                    raise AnnotationError(
                        f"row {len(rows) + 1} has {len(row):,} cells: {MAX_COLUMNS:,} at most", file=self.name
                    )
                if row and max(map(len, row)) > MAX_CELL:
                    raise AnnotationError(
                        f"row {len(rows) + 1} has a cell of more than {MAX_CELL:,} characters", file=self.name
                    )
                rows.append(row)
        except csv.Error as error:
            raise AnnotationError(f"row {len(rows) + 1} is broken: {error}", file=self.name) from None
        return rows

    @property
    def _separator(self) -> str:
        """As csv.Sniffer finds it in the first lines; where it finds none, whichever the first line has most of."""
        filled = (line for line in io.StringIO(self.text[:MAX_CELL], newline=None) if line.strip())
        lines = list(islice(filled, _SNIFFED_LINES))
        try:
            found = csv.Sniffer().sniff("".join(lines)[:_SNIFFED_CHARACTERS], delimiters=_SEPARATORS).delimiter
        except csv.Error:
            found = ""
        return found if found and found in _SEPARATORS else max(_SEPARATORS, key="".join(lines[:1]).count)

    @property
    def top(self) -> int:
        """The position of the first row that is not empty, 0 where there is none."""
        return next((position for position, cells in enumerate(self.rows) if _is_filled(cells)), 0)

    def rows_from(self, start: int) -> Iterator[tuple[str, list[str]]]:
        """The rows from a position on that are not empty: their place, for messages, and their cells."""
        for position, cells in enumerate(self.rows[start:], start + 1):
            if _is_filled(cells):
                yield f"{self.name}, row {position}", cells


def _is_filled(cells: list[str]) -> bool:
    return any(cell.strip() for cell in cells)
