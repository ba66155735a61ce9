"""Splits by a column of the label table: ``{"signer": {"train": ">10", "test": "<=10"}}``."""

from __future__ import annotations

from functools import cache
from typing import Any

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.labels.columns import KNOWN, plain
from heatsvc.annotation.labels.conditions import Condition
from heatsvc.annotation.labels.filters import columns_text
from heatsvc.annotation.labels.labels import Labels
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.splits.assignment import Assignment, settle


def assign_by_column(labels: Labels, column: str, wanted: Any, options: AnnotationOptions) -> Assignment:
    """The splits of a rule on a column; a video whose row has no such cell is in none.

    One that stands in the table twice, with different cells there, may fit two: that is a leak, and told as one.

    Args:
        labels: the videos.
        column: signer, year, view, type, or a header.
        wanted: split names, and the values or conditions of each.

    Raises:
        AnnotationError: a column that no table has, or a rule that is none.
    """
    field = f"split.{column:.100}"
    headers = _headers(labels, column)
    if not headers:
        there = columns_text(sorted(labels.headers)) or "none but names and labels"
        raise AnnotationError(f"no label file has a column {column!r:.80}: they have {there}", field=field)
    if not isinstance(wanted, dict) or not wanted:
        raise AnnotationError(
            f'{field} must name splits and their values, such as {{"train": ">10", "test": "<=10"}}', field=field
        )
    conditions = {split: Condition.of(values, f"{field}.{split:.100}") for split, values in wanted.items()}
    texts = [tuple(text for header in headers for text in row.texts(header)) or ("",) for row in labels.rows]

    @cache  # a column has few values
    def fitting(values: tuple[str, ...]) -> list[str]:
        return [split for split, condition in conditions.items() if any(map(condition.fits, values))]

    return settle(
        labels.rows,
        [fitting(values) for values in texts],
        tuple(conditions),
        options,
        file=None,
        why_none=[
            f"its {column} {values[0]!r:.80} fits no split" if values[0] else f"its row has no {column}"
            for values in texts
        ],
    )


def _headers(labels: Labels, column: str) -> list[str]:
    """Headers that a column's name means: itself, or one that is spelled alike; tables may spell it differently."""
    if column in KNOWN and column in labels.headers:
        return [column]
    return sorted(header for header in labels.headers if plain(header) == plain(column))
