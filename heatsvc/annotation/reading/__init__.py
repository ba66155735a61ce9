"""Reading: keypoint files as annotations, some hundred at a time, in as many processes as there are cores."""

from __future__ import annotations

from heatsvc.annotation.reading.part import PartFacts, Reading, read_part
from heatsvc.annotation.reading.task import Task

__all__ = ["PartFacts", "Reading", "Task", "read_part"]
