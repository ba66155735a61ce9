"""ParsedFile: a small file that is parsed at most once as JSON or as CSV, however many formats are tried on it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.inputs import InputFile
from heatsvc.annotation.native.sheets import MAX_CELL, MAX_COLUMNS, MAX_ROWS, Rows
from heatsvc.bounds import Bounds

_SEPARATORS = ",;\t"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class ParsedFile:
    """A file of labels, of a split or of frame counts.

    Attributes:
        file: its path and name.
        bounds: how large it may be.
    """

    file: InputFile
    bounds: Bounds

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
        return self.data[:256].removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")

    @cached_property
    def json(self) -> Any:
        """The parsed JSON; None where it is not JSON.

        Raises:
            AnnotationError: broken JSON, or an object with two values under one key.
            LimitError: more values than max_input_values.
        """
        if not self.is_json:
            return None
        data = self.data.removeprefix(b"\xef\xbb\xbf")
        self.bounds.check("max_input_values", data.count(b",") + 1, "JSON values", file=self.name)
        levels = data.count(b"[") + data.count(b"{")
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

    @cached_property
    def text(self) -> str:
        """Its text: UTF-8 with or without a byte-order mark, UTF-16 with one, else CP949, the Korean code page.

        Raises:
            AnnotationError: none of these.
        """
        encodings: tuple[str, ...] = ("utf-8-sig", "cp949")
        if self.data[:2] in _UTF16:
            encodings = ("utf-16",)
        elif b"\x00" in self.data[:4096]:
            encodings = ()
        for encoding in encodings:
            with suppress(UnicodeDecodeError):
                return self.data.decode(encoding)
        raise AnnotationError(
            "the file is neither text in UTF-8 or CP949 nor a workbook: save it as one", file=self.name
        )

    @cached_property
    def rows(self) -> Rows:
        """Its rows as CSV, separated by commas, semicolons or tabs, whichever its first line has most of.

        Raises:
            AnnotationError: not text, broken CSV, or more rows, columns or text than a label table has.
            LimitError: more cells than max_input_values.
        """
        text = self.text
        first = next((line for line in io.StringIO(text[:MAX_CELL], newline=None) if line.strip()), "")
        separator = max(_SEPARATORS, key=first.count)
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
