"""Filters: which videos are used, by type, view, signer and year."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.labels.conditions import Condition
from heatsvc.annotation.labels.row import LabelRow
from heatsvc.annotation.options import AnnotationOptions

FILTERS: dict[str, str] = {"types": "type", "views": "view", "signers": "signer", "years": "year"}
"""Options that filter, and the column that each looks at."""


def filter_rows(
    rows: Iterable[LabelRow], options: AnnotationOptions, headers: frozenset[str]
) -> tuple[list[LabelRow], list[LabelRow], dict[str, int]]:
    """Videos used, videos left out, and how many were left out by each filter that was asked for.

    A video that several filters leave out counts for the first of them. One whose row has no such column, or an empty
    cell, is left out: nobody knows that it fits.

    Args:
        rows: one a video.
        options: types, views, signers, years.
        headers: columns that the tables have.

    Raises:
        AnnotationError: a column that no table has, or a condition that is none.
    """
    conditions: list[tuple[str, str, Condition]] = []
    for name, column in FILTERS.items():
        wanted = getattr(options, name)
        if wanted is None:
            continue
        if column not in headers:
            raise AnnotationError(
                f"{name} asks for a column {column} that no label file has: {_columns(headers)}", field=name
            )
        conditions.append((name, column, Condition.of(wanted, name)))
    counts = {name: 0 for name, _, _ in conditions}
    used, left_out = [], []
    for row in rows:
        by = next((name for name, column, condition in conditions if not condition.fits(row.columns.get(column))), None)
        if by is None:
            used.append(row)
        else:
            left_out.append(row)
            counts[by] += 1
    return used, left_out, counts


def _columns(headers: frozenset[str]) -> str:
    return f"they have {columns_text(sorted(headers))}" if headers else "they have none but names and labels"


def columns_text(headers: Sequence[str]) -> str:
    """Headers in a row, for messages."""
    return ", ".join(repr(header) for header in headers[:30])[:500]
