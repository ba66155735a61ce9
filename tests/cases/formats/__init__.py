"""Kinds of keypoint files: each in the form that its tool writes, with a reading of it that is not heatsvc's.

`KINDS` is the table from which docs/make_tables.py makes that of docs/formats.md.
"""

from __future__ import annotations

from tests.cases.formats import (
    arrays,
    coco,
    labeled,
    mmpose,
    openpose,
    packed,
    pickles,
    pose_files,
    refused,
    tables,
    trackers,
)
from tests.cases.formats.kind import Kind, Refused

KINDS: tuple[Kind, ...] = (
    *arrays.KINDS,
    *openpose.KINDS,
    *mmpose.KINDS,
    *coco.KINDS,
    *labeled.KINDS,
    *pickles.KINDS,
    *pose_files.KINDS,
    *trackers.KINDS,
    *tables.KINDS,
    *packed.KINDS,
)
"""What is read."""

REFUSED: tuple[Refused, ...] = (*refused.KINDS, *tables.REFUSED)
"""What is refused, with the next step."""

__all__ = ["KINDS", "REFUSED", "Kind", "Refused"]
