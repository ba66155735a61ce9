"""Inspection: what an annotation pickle holds, in numbers, and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from heatsvc.annotation.inspection.findings import Finding


@dataclass(frozen=True, slots=True)
class Span:
    """Smallest, mean and largest of some numbers."""

    low: int
    mean: float
    high: int


@dataclass(frozen=True, slots=True)
class SplitSize:
    """A split: its name, the names in it, and the annotations and frames that a reader would take."""

    name: str
    names: int
    annotations: int
    frames: int


@dataclass(frozen=True, slots=True)
class Inspection:
    """A pickle.

    Attributes:
        file: its name.
        size: in bytes.
        protocol: of pickling.
        numpy: the modules of NumPy that it names, ``numpy.core`` (which every version has), ``numpy._core``.
        annotations: how many.
        keys: what annotations hold, by how many do.
        splits: in the file's order; none where it is a bare list.
        classes: different labels.
        labels: smallest and largest; None where there are none.
        frames, persons: T and M; None where no keypoint array can be read.
        points: V, by how many annotations have so many.
        dtypes: of keypoint, by how many annotations have it.
        img_shapes: ``1080x1920`` (height, width), the most frequent first, by how many annotations have it.
        array_bytes: of all keypoint and keypoint_score arrays.
        findings: the worst first.
    """

    file: str
    size: int
    protocol: int
    numpy: tuple[str, ...]
    annotations: int
    keys: Mapping[str, int]
    splits: tuple[SplitSize, ...]
    classes: int
    labels: tuple[int, int] | None
    frames: Span | None
    persons: Span | None
    points: Mapping[int, int]
    dtypes: Mapping[str, int]
    img_shapes: Mapping[str, int]
    array_bytes: int
    findings: tuple[Finding, ...]

    @property
    def usable(self) -> bool:
        """Whether nothing was found that makes reading or training fail."""
        return not any(finding.severity == "error" for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """The same as JSON has it."""
        return asdict(self)
