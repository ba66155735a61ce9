"""Inspection of an annotation pickle: its contents, and whether PYSKL and MMAction2 can train from it."""

from __future__ import annotations

from heatsvc.annotation.inspection.findings import MEANINGS, Finding, Severity
from heatsvc.annotation.inspection.inspection import Inspection, inspect_pickle
from heatsvc.annotation.inspection.text import inspection_text

__all__ = ["MEANINGS", "Finding", "Inspection", "Severity", "inspect_pickle", "inspection_text"]
