"""Content: a small file as it came, parsed no more than once as JSON or as a table, however many forms look at it."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

import orjson

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.inputs import InputFile
from heatsvc.annotation.native.sheets import MAX_CELL, MAX_COLUMNS, MAX_ROWS, Rows
from heatsvc.bounds import Bounds

_SEPARATORS = ",;\t"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
# Bytes that no text holds: what has one is another kind of file.
_NO_TEXT = b"\x00"


@dataclass(frozen=True)
class ParsedFile:
    """A file of labels, of a split or of frame counts.

    Attributes:
        file: where it lies and what it is called.
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
        """Whether it begins as a JSON object or list does."""
        return self.data[:256].removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")

    @cached_property
    def json(self) -> Any:
        """The parsed JSON; None where it is none.

        Raises:
            AnnotationError: begins like JSON and is broken, or an object has two values under one key.
            LimitError: more values than max_input_values.
        """
        if not self.is_json:
            return None
        data = self.data.removeprefix(b"\xef\xbb\xbf")
        self.bounds.check("max_input_values", data.count(b",") + 1, "JSON values", file=self.name)
        levels = data.count(b"[") + data.count(b"{")
        self.bounds.check("max_input_values", levels, "JSON lists and objects", file=self.name)
        try:
            # orjson is the stricter of the two: no NaN, no half surrogate pairs. Only the other sees keys twice.
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
                        f"{key!r:.100} stands there twice with different values: once with one is right",
                        file=self.name,
                    )
        return found

    @cached_property
    def text(self) -> str:
        """Its text: UTF-8 with and without mark, UTF-16 with mark, else CP949, the Korean code page.

        Raises:
            AnnotationError: none of these.
        """
        if self.data[:2] in _UTF16:
            return self._decoded("utf-16")
        if _NO_TEXT in self.data[:4096]:
            self._no_text()
        try:
            return self.data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return self._decoded("cp949")

    def _decoded(self, encoding: str) -> str:
        try:
            return self.data.decode(encoding)
        except UnicodeDecodeError:
            self._no_text()

    def _no_text(self) -> NoReturn:
        raise AnnotationError("the file is no text in UTF-8 or CP949, and no workbook: save it as one", file=self.name)

    @cached_property
    def rows(self) -> Rows:
        """The table's rows, split at commas, semicolons or tabs, whichever its first line has most of.

        Raises:
            AnnotationError: no text, or no table; rows, columns or cells larger than a label table's.
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
