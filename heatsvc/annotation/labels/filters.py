"""Filters: selects videos by conditions on type, view, signer and year."""

from __future__ import annotations

import operator
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.labels.rows import LabelRow, parse_number
from heatsvc.annotation.options import AnnotationOptions

_COMPARE: tuple[tuple[str, Callable[[Any, Any], bool]], ...] = (
    (">=", operator.ge),
    ("<=", operator.le),
    ("!=", operator.ne),
    ("==", operator.eq),
    (">", operator.gt),
    ("<", operator.lt),
    ("=", operator.eq),
)


@dataclass(frozen=True, slots=True)
class Condition:
    """Comparisons with a value, of which at least one must match.

    Attributes:
        comparisons: operators and their right-hand sides; numbers are compared as numbers, other values as text.
    """

    comparisons: tuple[tuple[Callable[[Any, Any], bool], float | str], ...]

    @classmethod
    def of(cls, wanted: object, field: str) -> Condition:
        """Parse an option.

        Args:
            wanted: a text, a number or a list of them: ``"정면"``, ``7``, ``">10"``, ``[1, 2, ">=20"]``.
            field: the option's name, for messages.

        Raises:
            AnnotationError: the option has another type, or compares the order of text.
        """
        items = wanted if isinstance(wanted, list) else [wanted]
        if not items:
            raise AnnotationError(
                f"{field} is an empty list, which no row matches: leave it out to use all rows", field=field
            )
        return cls(tuple(_comparison(item, field) for item in items))

    def matches(self, value: str | None) -> bool:
        """Whether a cell's text matches; an empty cell never does."""
        if not value:
            return False
        as_number, as_text = parse_number(value), _plain(value)
        return any(
            (compare is operator.ne if as_number is None else compare(as_number, against))
            if isinstance(against, float)
            else compare(as_text, against)
            for compare, against in self.comparisons
        )


def _comparison(item: object, field: str) -> tuple[Callable[[Any, Any], bool], float | str]:
    if isinstance(item, bool) or not isinstance(item, str | int | float):
        raise AnnotationError(
            f'{field} must be a text, a number or a list of them, such as ">10", not {item!r:.60}', field=field
        )
    if not isinstance(item, str):
        if abs(item) > 1e300:
            raise AnnotationError(f"{field} has a number that is too large", field=field)
        return operator.eq, float(item)
    text = item.strip()
    sign, compare = next(((sign, compare) for sign, compare in _COMPARE if text.startswith(sign)), ("", operator.eq))
    operand = text.removeprefix(sign).strip()
    if not operand:
        raise AnnotationError(f'{field} is {item!r:.60}: it must be a value, or a condition such as ">10"', field=field)
    as_number = parse_number(operand)
    if as_number is None and compare not in (operator.eq, operator.ne):
        raise AnnotationError(f'{field} is {item!r:.60}: {sign} needs a number, such as "{sign}10"', field=field)
    return compare, _plain(operand) if as_number is None else as_number


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip().casefold()


FILTERS: dict[str, str] = {"types": "type", "views": "view", "signers": "signer", "years": "year"}
"""Filter options and their columns."""


def filter_rows(
    rows: Iterable[LabelRow], options: AnnotationOptions, headers: frozenset[str]
) -> tuple[list[LabelRow], list[LabelRow], dict[str, int]]:
    """Split videos into selected and excluded ones; also return how many videos each filter of the options excludes.

    A video that several filters exclude counts for the first of them. A video is excluded if its row lacks the column,
    or its cell is empty.

    Raises:
        AnnotationError: no table has the column, or the condition is invalid.
    """
    conditions: list[tuple[str, str, Condition]] = []
    for name, column in FILTERS.items():
        wanted = getattr(options, name)
        if wanted is None:
            continue
        if column not in headers:
            raise AnnotationError(
                f"{name} needs a column {column}, which no label file has: their columns are "
                f"{columns_text(sorted(headers)) or 'names and labels only'}",
                field=name,
            )
        conditions.append((name, column, Condition.of(wanted, name)))
    counts = {name: 0 for name, _, _ in conditions}
    used, left_out = [], []
    for row in rows:
        failed = (name for name, column, condition in conditions if not condition.matches(row.columns.get(column)))
        by = next(failed, None)
        if by is None:
            used.append(row)
        else:
            left_out.append(row)
            counts[by] += 1
    return used, left_out, counts


def columns_text(headers: Sequence[str]) -> str:
    """A list of headers, for messages."""
    return ", ".join(repr(header) for header in headers[:30])[:500]
