"""Sources: where the keypoint files of a dataset are, in folders and archives, each readable on its own."""

from __future__ import annotations

from heatsvc.annotation.sources.find import find_files
from heatsvc.annotation.sources.stored_file import StoredFile

__all__ = ["StoredFile", "find_files"]
