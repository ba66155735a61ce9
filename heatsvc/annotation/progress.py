"""Progress of a build."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Stage = Literal["waiting", "labels", "keypoints", "writing", "done"]


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a build.

    Attributes:
        stage: the current step.
        files_read, files: number of keypoint files that were read, and of all.
        clips_written: number of annotations that were written.
        seconds: time since the build was started or resumed.
        seconds_left: estimated time until it is done; None if unknown.
    """

    stage: Stage
    files_read: int = 0
    files: int = 0
    clips_written: int = 0
    seconds: float = 0.0
    seconds_left: float | None = None


def ignore_progress(progress: Progress) -> None:
    """Do nothing."""
