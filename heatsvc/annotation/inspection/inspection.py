"""Inspection: statistics of an annotation pickle, and findings."""

from __future__ import annotations

import json
import mmap
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from heatsvc.annotation.inspection.checks import AnnotationSummary, SplitSize, check_annotation, check_splits
from heatsvc.annotation.inspection.findings import Finding, Findings
from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.pose.errors import PoseError
from heatsvc.pose.readers.annotation import list_of_annotations
from heatsvc.pose.unpickle import unpickle


@dataclass(frozen=True, slots=True)
class Span:
    """Smallest, mean and largest of some numbers."""

    low: int
    mean: float
    high: int


@dataclass(frozen=True, slots=True)
class Inspection:
    """The contents of an annotation pickle.

    Attributes:
        file: name of the file.
        size: size in bytes.
        protocol: pickle protocol.
        numpy: the modules of NumPy that it refers to, ``numpy.core`` (in every version), ``numpy._core``.
        annotations: number of annotations.
        keys: number of annotations with each key.
        splits: the splits in the file's order; empty if the pickle is a list.
        classes: number of different labels.
        labels: smallest and largest label; None if there are none.
        frames, persons: T and M; None if no keypoint array can be read.
        points: number of annotations for each V.
        dtypes: number of annotations for each type of keypoint.
        img_shapes: number of annotations for each ``1080x1920`` (height, width), the most frequent first.
        array_bytes: size of all keypoint and keypoint_score arrays in bytes.
        findings: the findings, the worst first.
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
        """Whether no finding makes reading or training fail."""
        return not any(finding.severity == "error" for finding in self.findings)


_CORES = re.compile(rb"numpy\._?core(?=\.)")
_SHAPES = 5
_LONGEST_PROBLEM = 1 << 20


def inspect_pickle(path: Path, bounds: Bounds = DEFAULT_BOUNDS, *, token: CancelToken = NEVER_CANCELLED) -> Inspection:
    """Read an annotation pickle, and check whether PYSKL and MMAction2 can use it.

    The pickle is ``{'split': ..., 'annotations': [...]}`` or a list. Nothing in it is executed. Its arrays must fit
    into memory.

    Args:
        path: the file.
        bounds: max_unpacked_bytes for the file, max_pickle_objects.
        token: checked between steps; cancels the work.

    Raises:
        OSError: the file cannot be read.
        PoseError: the file is not a pickle, is damaged, refers to code, or has other contents.
        LimitError: the file exceeds the bounds.
    """
    size = path.stat().st_size
    bounds.check("max_unpacked_bytes", size, "bytes in a file", file=path.name)
    if not size:
        raise PoseError("the file is empty", file=path.name)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        if detail := _problem_detail(mapped[:_LONGEST_PROBLEM]):
            raise PoseError(f"the file is an error response of the service, not a pickle: {detail}", file=path.name)
        # The file is mapped: reading it into bytes would make a second copy of all arrays.
        content = unpickle(cast("bytes", mapped), bounds=bounds, file=path.name, token=token)
        protocol = mapped[1] if mapped[0] == 0x80 else 0
        cores = sorted({match.group().decode() for match in _CORES.finditer(mapped)}, reverse=True)
    findings = Findings()
    if "numpy._core" in cores:
        findings.add("numpy_2")
    if protocol > 4:
        findings.add("protocol_5")
    annotations = list_of_annotations(content, path.name)
    keys: Counter[str] = Counter()
    facts = []
    for i, annotation in enumerate(annotations):
        token.raise_if_cancelled()
        if not isinstance(annotation, dict):
            findings.add("no_dict", f"annotations[{i}]")
            continue
        keys.update(str(key) for key in annotation)
        facts.append(check_annotation(annotation, f"annotations[{i}]", findings))
    _check_all(facts, findings)
    if not isinstance(content, dict) or "split" not in content:
        findings.add("no_split")
        splits: tuple[SplitSize, ...] = ()
    else:
        splits = check_splits(content["split"], facts, findings)
    labels = {fact.label for fact in facts if fact.label is not None}
    shapes = [fact.shape for fact in facts if fact.shape]
    sides = Counter(f"{fact.img_shape[0]}x{fact.img_shape[1]}" for fact in facts if fact.img_shape)
    return Inspection(
        file=path.name,
        size=size,
        protocol=protocol,
        numpy=tuple(cores),
        annotations=len(annotations),
        keys=dict(keys),
        splits=splits,
        classes=len(labels),
        labels=(min(labels), max(labels)) if labels else None,
        frames=_span([shape[1] for shape in shapes]),
        persons=_span([shape[0] for shape in shapes]),
        points=dict(Counter(shape[2] for shape in shapes).most_common()),
        dtypes=dict(Counter(fact.dtype for fact in facts if fact.dtype).most_common()),
        img_shapes=dict(sides.most_common(_SHAPES)),
        array_bytes=sum(fact.nbytes for fact in facts),
        findings=findings.listed(),
    )


def _problem_detail(data: bytes) -> str:
    """The detail of a problem document (RFC 9457), or "" if it is something else. No pickle begins with a brace."""
    if not data.startswith(b"{"):
        return ""
    try:
        detail = json.loads(data).get("detail")
    except (ValueError, RecursionError):
        return ""
    # A terminal would interpret control characters.
    return "".join(letter if letter.isprintable() else " " for letter in detail) if isinstance(detail, str) else ""


def _check_all(facts: Sequence[AnnotationSummary], findings: Findings) -> None:
    """Check annotations against each other."""
    if not facts:
        findings.add("no_annotations")
        return
    names = Counter(fact.name for fact in facts if fact.name is not None)
    for name, count in names.items():
        if count > 1:
            findings.add("duplicate", f"{name}: {count} times")
    labels = {fact.label for fact in facts if fact.label is not None}
    # An index may be two billion, so not all gaps are listed.
    if labels and max(labels) + 1 > len(labels):
        for label in range(min(max(labels), 1 << 16)):
            if label not in labels:
                findings.add("gap_in_labels", str(label))
    points = Counter(fact.shape[2] for fact in facts if fact.shape)
    if len(points) > 1:
        usual = points.most_common(1)[0][0]
        for i, fact in enumerate(facts):
            if fact.shape and fact.shape[2] != usual:
                findings.add("other_points", f"{fact.name or f'annotations[{i}]'}: {fact.shape[2]}, most have {usual}")


def _span(numbers: Sequence[int]) -> Span | None:
    return Span(min(numbers), round(sum(numbers) / len(numbers), 2), max(numbers)) if numbers else None
