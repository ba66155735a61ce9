"""Splits: files and rules that tell which videos train and which test. `read_split` and `assign` are the ways in."""

from __future__ import annotations

from heatsvc.annotation.splits.assignment import Assignment
from heatsvc.annotation.splits.rules import assign_all, assign_splits
from heatsvc.annotation.splits.split_file import SplitEntry, SplitFile, read_split

__all__ = ["Assignment", "SplitEntry", "SplitFile", "assign_all", "assign_splits", "read_split"]
