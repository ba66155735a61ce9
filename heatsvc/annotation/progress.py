"""Progress of a build."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Stage = Literal["waiting", "labels", "keypoints", "writing", "done"]


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a build.

    Attributes:
        stage: the current step.
        files_read, files: keypoint files that were read, and all of them.
        clips_written: annotations written.
        seconds: since the build began, or was resumed.
        seconds_left: estimated, None where it is not known yet.
        files_per_second: that were read since then; None where none was.
        report: what has been found so far, as in the report: `splits` and `faults`.
    """

    stage: Stage
    files_read: int = 0
    files: int = 0
    clips_written: int = 0
    seconds: float = 0.0
    seconds_left: float | None = None
    files_per_second: float | None = None
    report: Mapping[str, Any] = field(default_factory=dict)


def ignore_progress(progress: Progress) -> None:
    """Do nothing."""
