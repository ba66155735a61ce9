"""Sources: where a dataset's keypoint files lie, in folders and in archives, each to be read on its own."""

from __future__ import annotations

from heatsvc.annotation.sources.find import find_files
from heatsvc.annotation.sources.stored_file import StoredFile

__all__ = ["StoredFile", "find_files"]
