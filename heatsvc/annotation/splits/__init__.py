"""Splits: which videos train and which test, by a split file or by a rule."""

from __future__ import annotations

from heatsvc.annotation.splits.assignment import Assignment
from heatsvc.annotation.splits.rules import assign_splits
from heatsvc.annotation.splits.split_file import SplitEntry, SplitFile, read_split

__all__ = ["Assignment", "SplitEntry", "SplitFile", "assign_splits", "read_split"]
