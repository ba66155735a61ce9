"""Labels: tables and label maps of any form, merged, filtered and numbered. `read_labels` is the way in."""

from __future__ import annotations

from heatsvc.annotation.labels.labels import Labels
from heatsvc.annotation.labels.read import read_labels
from heatsvc.annotation.labels.row import LabelRow

__all__ = ["LabelRow", "Labels", "read_labels"]
