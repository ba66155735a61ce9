"""Labels: tables and label maps of several formats, merged, filtered and numbered."""

from __future__ import annotations

from heatsvc.annotation.labels.labels import Labels, read_labels
from heatsvc.annotation.labels.rows import LabelRow

__all__ = ["LabelRow", "Labels", "read_labels"]
