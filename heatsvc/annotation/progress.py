"""Progress of a build."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Stage = Literal["waiting", "labels", "keypoints", "writing", "done"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a build is.

    Attributes:
        stage: the current step.
        files_read, files: keypoint files that were read, and all of them.
        clips_written: annotations written.
        seconds: since the build began, or was resumed.
        seconds_left: estimated, None where it is not known yet.
    """

    stage: Stage
    files_read: int = 0
    files: int = 0
    clips_written: int = 0
    seconds: float = 0.0
    seconds_left: float | None = None


def ignore_progress(progress: Progress) -> None:
    """Do nothing."""
