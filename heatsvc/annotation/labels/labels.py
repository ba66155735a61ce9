"""Labels: the videos of a dataset and their classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from heatsvc.annotation.labels.row import LabelRow
from heatsvc.annotation.names import NameIndex


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """What all label files say together.

    Attributes:
        rows: the videos used, one row each with label and index, sorted by the parts of their names.
        classes: labels by class index; "" at an index that has none, the index as text where only that is known.
        filtered: how many videos each filter left out, by the option's name; the filters asked for alone.
        headers: columns that the tables have.
        index: finds rows by any spelling of the name.
        known: finds videos used (positions of rows) and, behind them, those that filters left out.
    """

    rows: tuple[LabelRow, ...]
    classes: tuple[str, ...]
    filtered: Mapping[str, int]
    headers: frozenset[str]
    index: NameIndex
    known: NameIndex
