"""Compressed keypoints, PYSKL's format for many persons: one row per person and frame, with its frame index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from heatsvc.bounds import BYTES_PER_POINT, DEFAULT_BOUNDS, Bounds
from heatsvc.pose.array_plausibility import judge_frame_inds
from heatsvc.pose.errors import NoKeypointsError, PoseError
from heatsvc.pose.findings import Finding, ImplausibleError, Interpretation

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]

_LARGEST_FLOAT16 = 65504.0


@dataclass(frozen=True, slots=True, eq=False)
class CompressedFrames:
    """The frames of compressed keypoints, which are [1, N, V, 2].

    Attributes:
        frame_inds: int64 [N], the frame of each row, from 0 to total_frames - 1 and never decreasing.
        total_frames: number of frames of the clip; some may have no row.
    """

    frame_inds: Int64
    total_frames: int

    @classmethod
    def build(
        cls,
        frame_inds: Int64,
        total_frames: object,
        interpretation: Interpretation,
        *,
        bounds: Bounds,
        field: str,
        file: str | None,
    ) -> tuple[CompressedFrames, tuple[Finding, ...]]:
        """Validate the frames of N rows, N at least 1.

        Args:
            frame_inds: int64 [N].
            total_frames: the annotation's value; None if it has none.
            interpretation: whether a wrong total_frames is an error, or only a finding.
            bounds: max_frames.
            field, file: see `PoseClip.build`.

        Raises:
            PoseError: a frame is negative, or smaller than the one of the row before it.
            ImplausibleError: total_frames is wrong.
            LimitError: there are more frames than `bounds` allow.
        """
        name = f"{field}frame_inds"
        decreasing = np.flatnonzero(np.diff(frame_inds) < 0)
        if frame_inds[0] < 0 or decreasing.size:
            row = int(decreasing[0]) + 1 if decreasing.size else 0
            raise PoseError(
                f"{name}[{row}] is {frame_inds[row]}: the frames of rows must be 0 or more, in ascending order",
                field=name,
                file=file,
            )
        total = total_frames if type(total_frames) is int else None
        finding = judge_frame_inds(frame_inds, total, field)
        if total_frames is not None and total is None:
            text = f"{field}total_frames must be a whole number, not {type(total_frames).__name__}"
            finding = Finding("frame_count", text)
        if interpretation.plausibility == "ignore":
            finding = None
        if finding and interpretation.plausibility == "error":
            raise ImplausibleError(finding, field=f"{field}total_frames", file=file)
        total = max(int(frame_inds[-1]) + 1, total or 0)
        bounds.check("max_frames", total, "frames", field=f"{field}total_frames", file=file)
        return cls(frame_inds, total), (finding,) if finding else ()

    def decompress(
        self,
        keypoint: Float32,
        keypoint_score: Float32,
        *,
        squeeze: bool = True,
        max_person: int = 10,
        bounds: Bounds = DEFAULT_BOUNDS,
    ) -> tuple[Float32, Float32]:
        """Expand rows to [M, T, V], rounded to float16, as PYSKL's DecompressPose; persons keep the order of rows.

        Persons are not tracked between frames. If a frame has more than max_person, the persons of all frames are
        sorted by the sum of their scores, and the first max_person are kept.

        Args:
            keypoint: [1, N, V, 2].
            keypoint_score: [1, N, V].
            squeeze: whether to remove frames without a row; otherwise they are zeros, like missing persons.
            max_person: maximum M.
            bounds: max_persons and max_unpacked_bytes, checked before memory is allocated.

        Returns:
            keypoint [M, T, V, 2] and keypoint_score [M, T, V], float32.

        Raises:
            LimitError: more than `bounds` allow.
        """
        points, scores, frames, total = keypoint[0], keypoint_score[0], self.frame_inds, self.total_frames
        if squeeze:
            frames = np.concatenate(([0], np.cumsum(np.diff(frames) != 0)))
            total = int(frames[-1]) + 1
        counts = np.bincount(frames, minlength=total)
        persons = min(int(counts.max()), max_person)
        bounds.check("max_persons", persons, "persons", field="max_person")
        size = persons * total * points.shape[1] * BYTES_PER_POINT
        bounds.check("max_unpacked_bytes", size, "bytes of decompressed keypoints", field="max_person")
        halves, half_scores = points.astype(np.float16), scores.astype(np.float16)
        rows = np.arange(len(frames))
        person = rows - (np.cumsum(counts) - counts)[frames]
        if persons < counts.max():
            # Rows stay sorted by frame: only the persons of a frame change their order.
            rows = np.lexsort((-half_scores.sum(axis=-1), frames))
            kept = person < max_person
            rows, frames, person = rows[kept], frames[kept], person[kept]
        decompressed = np.zeros((persons, total, *points.shape[1:]), np.float32)
        decompressed_score = np.zeros(decompressed.shape[:3], np.float32)
        decompressed[person, frames] = halves[rows]
        decompressed_score[person, frames] = half_scores[rows]
        return decompressed, decompressed_score


def check_float16(keypoint: Float32, keypoint_score: Float32, field: str, file: str | None) -> None:
    """Check that compressed keypoints fit into float16, to which they are expanded as in PYSKL.

    Raises:
        PoseError: a coordinate or a score is too large for float16.
    """
    for name, numbers in (("keypoint", keypoint), ("keypoint_score", keypoint_score)):
        if np.fmax.reduce(np.abs(numbers), axis=None) > _LARGEST_FLOAT16:
            raise PoseError(
                f"{field}{name} is too large for float16, the type of PYSKL's compressed keypoints: coordinates and "
                f"scores must be within {_LARGEST_FLOAT16:,.0f}",
                field=f"{field}{name}",
                file=file,
            )


def select_rows(
    annotation: Mapping[Any, Any],
    keypoint: npt.NDArray[Any],
    *,
    box_thr: float | None = None,
    field: str = "",
    file: str | None = None,
) -> tuple[npt.NDArray[Any], Int64 | None]:
    """The rows selected by an annotation's `anno_inds` and by `box_thr`, and their frames.

    Args:
        annotation: `frame_inds` [N] and optionally `anno_inds` (a mask [N] or indices) and `box_score` [N]: lists or
            arrays. Other keys are ignored.
        keypoint: keypoint of the annotation, [N, V, 2|3] if it is compressed.
        box_thr: rows with a lower `box_score` are dropped; None keeps all.
        field, file: see `PoseClip.build`.

    Returns:
        The selected rows and their `frame_inds`; for annotations without `frame_inds` the keypoints, and None.

    Raises:
        PoseError: an array is not numeric, or does not have one number per row.
        NoKeypointsError: no row is selected.
    """
    given = annotation.get("frame_inds")
    if given is None:
        return keypoint, None
    if keypoint.ndim != 3:
        raise PoseError(
            f"{field}frame_inds belongs to compressed keypoints [N, V, 3], one row per person and frame, but "
            f"{field}keypoint is {list(keypoint.shape)}: leave frame_inds out",
            field=f"{field}frame_inds",
            file=file,
        )
    frames = _numbers(given, f"{field}frame_inds", "iu", "whole numbers", file)
    rows = len(keypoint)
    _check_rows(frames, rows, f"{field}frame_inds", file)
    if frames.size and frames.max() > np.iinfo(np.int64).max:
        text = f"{field}frame_inds reach {frames.max()}: they must be below 2^63"
        raise PoseError(text, field=f"{field}frame_inds", file=file)
    frame_inds = frames.astype(np.int64)
    inds = annotation.get("anno_inds")
    chosen = None if inds is None else _numbers(inds, f"{field}anno_inds", "iub", "a mask or indices", file)
    if chosen is not None and chosen.dtype == bool:
        _check_rows(chosen, rows, f"{field}anno_inds", file)
        chosen = np.flatnonzero(chosen)
    elif chosen is not None and (len(chosen) > rows or (chosen.size and not 0 <= chosen.min() <= chosen.max() < rows)):
        text = f"{field}anno_inds must have at most {rows} indices of rows, 0 to {rows - 1}"
        raise PoseError(text, field=f"{field}anno_inds", file=file)
    boxes = annotation.get("box_score") if box_thr is not None else None
    if boxes is not None:
        scores = _numbers(boxes, f"{field}box_score", "fiu", "numbers", file)
        if isinstance(box_thr, bool) or not isinstance(box_thr, int | float | np.number):
            raise PoseError(f"box_thr must be a number, not {type(box_thr).__name__}", field="box_thr")
        _check_rows(scores, rows, f"{field}box_score", file)
        above = scores >= box_thr
        chosen = np.flatnonzero(above) if chosen is None else chosen[above[chosen]]
    if chosen is not None:
        keypoint, frame_inds = keypoint[chosen], frame_inds[chosen]
    if not len(keypoint):
        raise NoKeypointsError(
            f"{field}keypoint has no row: at least one is needed", field=f"{field}keypoint", file=file
        )
    return keypoint, frame_inds


def _numbers(value: Any, name: str, kinds: str, what: str, file: str | None) -> npt.NDArray[Any]:
    """A list or array of one axis, whose dtype is of one of `kinds`."""
    try:
        array = np.asarray(value) if hasattr(value, "__array__") or _is_flat(value) else None
    except (OverflowError, ValueError, TypeError):
        array = None
    if array is None or array.ndim != 1 or (array.size and array.dtype.kind not in kinds):
        raise PoseError(f"{name} must be {what} in a list or array of one axis", field=name, file=file)
    return array if array.size else array.astype(np.int64)


def _is_flat(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, int | float | np.number) for item in value)


def _check_rows(array: npt.NDArray[Any], rows: int, name: str, file: str | None) -> None:
    if len(array) != rows:
        raise PoseError(
            f"{name} has {len(array):,} numbers: it must have one for each of {rows:,} rows", field=name, file=file
        )
