"""Labels: tables and label maps of any form, merged, filtered and numbered. `read_labels` is the way in."""

from __future__ import annotations

from heatsvc.annotation.labels.labels import Labels, read_labels
from heatsvc.annotation.labels.rows import LabelRow

__all__ = ["LabelRow", "Labels", "read_labels"]
