"""Build: files in, a finished dataset out. The same for the command and for the service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heatsvc.annotation.artifacts import Artifact
from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.inputs import Inputs
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.progress import Progress, nobody
from heatsvc.bounds import DEFAULT_BOUNDS, Bounds, go_on


class FaultsError(AnnotationError):
    """Videos that the options do not allow to be as they are: each was told of in the report.

    Attributes:
        report: the report as JSON, with every fault.
    """

    def __init__(self, detail: str, report: dict[str, Any]):
        super().__init__(detail)
        self.report = report


@dataclass(frozen=True, slots=True)
class Built:
    """What a build gave.

    Attributes:
        artifacts: the files, in the order of artifacts.MEDIA_TYPES; for a check the reports alone.
        report: the report as JSON.
    """

    artifacts: tuple[Artifact, ...]
    report: dict[str, Any]


def build(
    inputs: Inputs,
    options: AnnotationOptions,
    folder: Path,
    *,
    check: bool = False,
    jobs: int = 1,
    bounds: Bounds = DEFAULT_BOUNDS,
    progress: Callable[[Progress], None] = nobody,
    keep_going: Callable[[], None] = go_on,
) -> Built:
    """Build a dataset in a folder; a build that was cut off there goes on from where it was.

    Args:
        inputs: the files.
        options: what is to become of them.
        folder: where the artifacts go, each whole or not at all; parts lie in ``folder/work`` until all is done.
        check: read everything and report, but write no pickle.
        jobs: processes that read keypoints; 1 reads in this one.
        bounds: how large a file may be.
        progress: told some times a second.
        keep_going: called now and then; raises what should end the work.

    Raises:
        FaultsError: faults that the options forbid; the report was written nevertheless.
        AnnotationError, PoseError, LimitError: labels, split, options or keypoints that cannot be used.
    """
    raise NotImplementedError
