"""ParsedFile: a small file that is parsed only once as JSON and as CSV, even if many formats are tried."""

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
# Length of the text in which the separator is detected: the time of csv.Sniffer is quadratic for a text of quotes.
_SNIFFED_LINES, _SNIFFED_CHARACTERS = 20, 2_048
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
# UTF-16 without a mark contains NUL, and ISO-2022-JP contains ESC; label files in UTF-8 contain neither.
_NOT_IN_UTF8 = (b"\x00", b"\x1b")
ASSUMED_ENCODING = "cp949"
"""The assumed encoding of text that is neither UTF-8 nor UTF-16: that of most tables of Korean sign language."""


class Source(Protocol):
    """A named file on disk or in an archive."""

    @property
    def name(self) -> str:
        """The client's name of the file."""

    @property
    def path(self) -> Path | str:
        """The file on disk, or the archive that contains it."""

    def read(self, bounds: Bounds) -> bytes:
        """The content of the file."""


@dataclass(frozen=True)
class ParsedFile:
    """A file of labels, of a split or of frame counts.

    Attributes:
        file: the file.
        bounds: limits of the file.
        given_encoding: the encoding of text that is neither UTF-8 nor UTF-16; None to assume one.
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
        """The content of the file.

        Raises:
            LimitError: the file is larger than max_unpacked_bytes.
        """
        return self.file.read(self.bounds)

    @cached_property
    def is_json(self) -> bool:
        """Whether the file begins like a JSON object or list."""
        return self.text[:256].lstrip()[:1] in ("{", "[")

    @cached_property
    def json(self) -> Any:
        """The parsed JSON; None if the file is not JSON.

        Raises:
            AnnotationError: the JSON is invalid, or an object has two values for one key.
            LimitError: there are more values than max_input_values.
        """
        if not self.is_json:
            return None
        data = self.text
        self.bounds.check("max_input_values", data.count(",") + 1, "JSON values", file=self.name)
        levels = data.count("[") + data.count("{")
        self.bounds.check("max_input_values", levels, "JSON lists and objects", file=self.name)
        try:
            # orjson is stricter: it refuses NaN and unpaired surrogates. Only json reports repeated keys.
            orjson.loads(data)
            return json.loads(data, object_pairs_hook=self._object)
        except AnnotationError:
            raise
        except (ValueError, RecursionError) as error:
            raise AnnotationError(f"the JSON is invalid: {error!s:.200}", file=self.name) from None

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
        """The text of the file.

        Raises:
            AnnotationError: it cannot be decoded with the given or assumed encoding.
        """
        return self._decoded[0]

    @property
    def encoding(self) -> str:
        """The encoding of its text, by its name in Python's codecs."""
        return self._decoded[1]

    @property
    def is_encoding_assumed(self) -> bool:
        """Whether the encoding was assumed: it is neither given nor detected."""
        return self.given_encoding is None and self.encoding == ASSUMED_ENCODING

    @cached_property
    def _decoded(self) -> tuple[str, str]:
        """Text and encoding: UTF-8, with or without a byte-order mark; UTF-16 with one; else as given or assumed."""
        for encoding in self._encodings():
            with suppress(UnicodeDecodeError):
                return self.data.decode(encoding).removeprefix("\ufeff"), encoding
        if self.given_encoding is not None:
            raise AnnotationError(
                f"the file is neither text in UTF-8 nor in {self.given_encoding}, the value of the option encoding",
                file=self.name,
            )
        raise AnnotationError(
            "the file is neither text in UTF-8 or CP949 nor a workbook: save it in one of these formats, or set its "
            'encoding in the options, such as {"encoding": "gb18030"}',
            file=self.name,
        )

    def _encodings(self) -> tuple[str, ...]:
        """Possible encodings of its text, the likelier first."""
        if self.data[:2] in _UTF16:
            return ("utf-16",)
        is_text = not any(byte in self.data for byte in _NOT_IN_UTF8)
        if self.given_encoding is not None:
            return ("utf-8-sig", self.given_encoding) if is_text else (self.given_encoding,)
        return ("utf-8-sig", ASSUMED_ENCODING) if is_text else ()

    @cached_property
    def rows(self) -> Rows:
        """The rows of the file as CSV, separated by commas, semicolons, tabs or vertical bars.

        Raises:
            AnnotationError: the file is not text, the CSV is invalid, or has more rows, columns or text than allowed.
            LimitError: there are more cells than max_input_values.
        """
        text = self.text
        separator = self._separator
        lines = text.count("\n") + text.count("\r") + 1
        self.bounds.check("max_input_values", text.count(separator) + lines, "cells", file=self.name)
        rows: Rows = []
        try:
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
                if len(rows) >= MAX_ROWS:
                    raise AnnotationError(f"the table has more than {MAX_ROWS:,} rows, the maximum", file=self.name)
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
            raise AnnotationError(f"row {len(rows) + 1} is invalid CSV: {error}", file=self.name) from None
        return rows

    @property
    def _separator(self) -> str:
        """The separator that csv.Sniffer finds in the first lines; else the most frequent one in the first line."""
        filled = (line for line in io.StringIO(self.text[:MAX_CELL], newline=None) if line.strip())
        lines = list(islice(filled, _SNIFFED_LINES))
        try:
            found = csv.Sniffer().sniff("".join(lines)[:_SNIFFED_CHARACTERS], delimiters=_SEPARATORS).delimiter
        except csv.Error:
            found = ""
        return found if found and found in _SEPARATORS else max(_SEPARATORS, key="".join(lines[:1]).count)

    @property
    def top(self) -> int:
        """The index of the first row that is not empty; 0 if there is none."""
        return next((position for position, cells in enumerate(self.rows) if _is_filled(cells)), 0)

    def rows_from(self, start: int) -> Iterator[tuple[str, list[str]]]:
        """The non-empty rows from an index on: their place, for messages, and their cells."""
        for position, cells in enumerate(self.rows[start:], start + 1):
            if _is_filled(cells):
                yield f"{self.name}, row {position}", cells


def _is_filled(cells: list[str]) -> bool:
    return any(cell.strip() for cell in cells)
