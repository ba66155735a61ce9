"""Checks single annotations and splits for what PYSKL and MMAction2 expect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from heatsvc.annotation.inspection.findings import Findings
from heatsvc.bounds import DEFAULT_BOUNDS
from heatsvc.errors import InputError
from heatsvc.pose import PoseClip
from heatsvc.pose.findings import Interpretation
from heatsvc.pose.pickled_numpy import PickledArray
from heatsvc.pose.plausibility import PlausibilityReport

_LARGEST = 1 << 31
# They are in memory already.
_UNBOUNDED = replace(
    DEFAULT_BOUNDS,
    **dict.fromkeys(("max_persons", "max_frames", "max_keypoints", "max_unpacked_bytes"), 1 << 62),
)


@dataclass(frozen=True, slots=True)
class AnnotationSummary:
    """The checked contents of an annotation; missing or invalid values are None.

    Attributes:
        name: filename, which the readers prefer, or frame_dir.
        label: class index.
        img_shape: (height, width).
        shape: (M, T, V).
        dtype: type of keypoint.
        nbytes: size of both arrays in bytes.
    """

    name: str | None = None
    label: int | None = None
    img_shape: tuple[int, int] | None = None
    shape: tuple[int, int, int] | None = None
    dtype: str | None = None
    nbytes: int = 0


def check_annotation(annotation: Mapping[Any, Any], where: str, findings: Findings) -> AnnotationSummary:
    """Check an annotation, and add problems to `findings`.

    Args:
        annotation: the unpickled annotation.
        where: its name in messages if it has none, ``annotations[3]``.
        findings: collects the problems.
    """
    name = annotation.get("filename", annotation.get("frame_dir"))
    if not isinstance(name, str):
        findings.add("no_name", where)
        name = None
    called = name or where
    shape, dtype, nbytes = _keypoints(annotation, called, findings)
    total = annotation.get("total_frames")
    if type(total) is not int:
        findings.add("no_total_frames", called)
    elif shape is not None and total != shape[1]:
        findings.add("other_total_frames", f"{called}: {_value_text(total)}, but T is {shape[1]}")
    img_shape = _img_shape(annotation, called, findings)
    if shape is not None and img_shape is not None:
        _judge(annotation, img_shape, total, called, findings)
    return AnnotationSummary(name, _label(annotation, called, findings), img_shape, shape, dtype, nbytes)


def _judge(
    annotation: Mapping[Any, Any], img_shape: tuple[int, int], total: object, called: str, findings: Findings
) -> None:
    """Check the plausibility of the numbers, as `heatsvc.draw` does."""
    keypoint, score = _array(annotation["keypoint"]), _array(annotation.get("keypoint_score"))
    if keypoint is None:
        return
    try:
        clip = PoseClip.build(
            keypoint,
            score,
            img_shape=img_shape,
            bounds=_UNBOUNDED,
            interpretation=Interpretation(plausibility="warn"),
            total_frames=total,
        )
    except InputError:  # reported by kind
        return
    for finding in PlausibilityReport("warn").judge(clip):
        is_all_zero = finding.code in ("no_points", "zero_points") and not keypoint[..., :2].any()
        if finding.code == "frame_count" or is_all_zero:
            continue  # other_total_frames, all_zero
        findings.add(finding.code, f"{called}: {finding.detail}")


def _label(annotation: Mapping[Any, Any], called: str, findings: Findings) -> int | None:
    label = annotation.get("label")
    if label is None:
        findings.add("no_label", called)
    elif type(label) is not int or not 0 <= label < _LARGEST:
        findings.add("odd_label", f"{called}: {_value_text(label)}")
    else:
        return label
    return None


def _value_text(value: object) -> str:
    """A value for a message; only its type for long numbers and containers."""
    if isinstance(value, str | float) or (isinstance(value, int) and abs(value) < 1 << 63):
        return f"{value!r:.30}"
    return type(value).__name__


def _img_shape(annotation: Mapping[Any, Any], called: str, findings: Findings) -> tuple[int, int] | None:
    value = annotation.get("img_shape")
    if isinstance(value, PickledArray) and value.array is not None and value.array.shape == (2,):
        value = value.array.tolist()
    if (
        isinstance(value, tuple | list)
        and len(value) == 2
        and all(type(side) is int and 0 < side < _LARGEST for side in value)
    ):
        return value[0], value[1]
    findings.add("no_img_shape", called)
    return None


def _keypoints(
    annotation: Mapping[Any, Any], called: str, findings: Findings
) -> tuple[tuple[int, int, int] | None, str | None, int]:
    """Shape (M, T, V), dtype and size in bytes of the arrays."""
    keypoint, score = _array(annotation.get("keypoint")), _array(annotation.get("keypoint_score"))
    if keypoint is None:
        findings.add("raw_file" if isinstance(annotation.get("raw_file"), str) else "no_keypoint", called)
        return None, None, 0
    nbytes = keypoint.nbytes + (score.nbytes if score is not None else 0)
    if keypoint.ndim != 4 or keypoint.shape[3] not in (2, 3):
        findings.add("odd_keypoint", f"{called}: {_sides(keypoint)}")
        return None, keypoint.dtype.name, nbytes
    if keypoint.shape[3] == 3:
        findings.add("three_columns", called)
    if score is None:
        findings.add("no_score", called)
    elif score.shape != keypoint.shape[:3]:
        findings.add("other_score", f"{called}: {_sides(score)}, but keypoint is {_sides(keypoint)}")
    _values(keypoint, score, called, findings)
    persons, frames, points = keypoint.shape[:3]
    return (persons, frames, points), keypoint.dtype.name, nbytes


def _values(keypoint: npt.NDArray[Any], score: npt.NDArray[Any] | None, called: str, findings: Findings) -> None:
    if not keypoint.size:
        findings.add("empty", f"{called}: {_sides(keypoint)}")
        return
    if keypoint.dtype.kind != "f" or (score is not None and score.dtype.kind != "f"):
        findings.add("odd_dtype", f"{called}: {keypoint.dtype.name}")
        return
    if not keypoint.any():
        findings.add("all_zero", called)
    if not np.isfinite(keypoint).all():
        findings.add("infinite" if np.isinf(keypoint).any() else "nan_point", called)
    if score is not None and not np.isfinite(score).all():
        findings.add("infinite" if np.isinf(score).any() else "nan_score", called)


def _array(value: object) -> npt.NDArray[Any] | None:
    return value.array if isinstance(value, PickledArray) else None


def _sides(array: npt.NDArray[Any]) -> str:
    return f"[{', '.join(map(str, array.shape))}]"


@dataclass(frozen=True, slots=True)
class SplitSize:
    """A split: its name, its number of names, and the number of annotations and frames that a reader would load."""

    name: str
    names: int
    annotations: int
    frames: int


def check_splits(splits: object, annotations: Sequence[AnnotationSummary], findings: Findings) -> tuple[SplitSize, ...]:
    """Return the size of each split, and add problems to `findings`.

    Args:
        splits: the value of the key ``split``.
        annotations: all annotations.
        findings: collects the problems.
    """
    if not isinstance(splits, Mapping):
        findings.add("odd_split")
        return ()
    by_name: dict[str, list[AnnotationSummary]] = {}
    for annotation in annotations:
        if annotation.name is not None:
            by_name.setdefault(annotation.name, []).append(annotation)
    sizes, split_of = [], dict[str, str]()
    for split, names in splits.items():
        if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
            findings.add("odd_split", str(split))
            continue
        taken = [annotation for name in dict.fromkeys(names) for annotation in by_name.get(name, ())]
        frames = sum(annotation.shape[1] for annotation in taken if annotation.shape)
        sizes.append(SplitSize(str(split), len(names), len(taken), frames))
        if not taken:
            findings.add("empty_split", str(split))
        for name in dict.fromkeys(names):
            if name not in by_name:
                findings.add("unknown_in_split", f"{name} ({split})")
            if split_of.setdefault(name, str(split)) != str(split):
                findings.add("in_two_splits", f"{name} ({split_of[name]}, {split})")
    for name in by_name:
        if name not in split_of:
            findings.add("in_no_split", name)
    return tuple(sizes)
