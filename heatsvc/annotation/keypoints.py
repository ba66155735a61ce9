"""Reads the keypoints of one video for the pickle: selects, trims and converts them."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.faults import Kind
from heatsvc.annotation.labels.frame_range import FrameRange
from heatsvc.annotation.statistics import SCORE_BINS
from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.errors import InputError
from heatsvc.kernels import KERNELS
from heatsvc.pose.clip import Float32, PoseClip
from heatsvc.pose.errors import CutShortError, InfiniteError, NoKeypointsError, PoseError
from heatsvc.pose.findings import AS_GIVEN, Finding, ImplausibleError, Interpretation
from heatsvc.pose.layouts import Layout, get_layout, infer_layout
from heatsvc.pose.plausibility import PlausibilityReport, judge_points
from heatsvc.pose.readers import ReadOptions, read
from heatsvc.pose.readers.npy import MAGIC, array_from_npy
from heatsvc.pose.select import MissingPoints, select_points
from heatsvc.render.cpu import convert

_LARGEST = {"float16": float(np.finfo(np.float16).max), "float32": float(np.finfo(np.float32).max)}


@dataclass(frozen=True, slots=True)
class KeypointSelection:
    """Which keypoints to take from each file, and how.

    Attributes:
        select: a layout's name, indices, or None for all points.
        dtype: ``float16`` or ``float32``.
        img_shape: (height, width), for files that do not specify it.
        layout: layout of the files' points, if it is not inferred from their number.
        interpretation: how to interpret the numbers of files.
        points: V that a file must have, if `select` is not a layout; None for any.
        names: names that a file's points must have in that case, in this order; () if they are unknown.
        missing_points: what to do about selected points that a file lacks.
        cut_to_range: whether to cut a video to the range of frames of its label.
        bounds: limits of a file.
    """

    select: str | tuple[int, ...] | None
    dtype: Literal["float16", "float32"]
    img_shape: tuple[int, int] | None = None
    layout: str | None = None
    interpretation: Interpretation = AS_GIVEN
    points: int | None = None
    names: tuple[str, ...] = ()
    missing_points: MissingPoints = "missing"
    cut_to_range: bool = False
    bounds: Bounds = DEFAULT_BOUNDS


class FaultyFileError(Exception):
    """A file cannot be used; `kind` is the kind of fault."""

    def __init__(self, kind: Kind, detail: str):
        super().__init__(detail)
        self.kind = kind
        self.detail = detail


@dataclass(frozen=True, slots=True, eq=False)
class VideoKeypoints:
    """One video's keypoints.

    Attributes:
        keypoint: [M, T, V, 2] of the chosen dtype, C-contiguous; undetected points are zeros.
        keypoint_score: [M, T, V] of the same.
        img_shape: (height, width).
        layout: layout of the points; None if unknown.
        frames_read: T of the file.
        undetected: number of points that were NaN.
        histogram: int64 [V, SCORE_BINS], histogram of the scores of each point.
        findings: doubtful numbers, and impossible ones that were accepted; the worst first.
    """

    keypoint: npt.NDArray[Any]
    keypoint_score: npt.NDArray[Any]
    img_shape: tuple[int, int]
    layout: Layout | None
    frames_read: int
    undetected: int
    histogram: npt.NDArray[np.int64]
    findings: tuple[Finding, ...] = ()

    def digest(self) -> str:
        """A non-cryptographic hash of the points; "" if none was detected: such clips are equal, but not copies."""
        if not self.keypoint[:, :1].any() and not self.keypoint.any():
            return ""
        first = zlib.crc32(self.keypoint.data)
        return f"{zlib.crc32(self.keypoint_score.data, first):08x}{zlib.adler32(self.keypoint.data):08x}"


def read_keypoints(
    data: bytes,
    name: str,
    selection: KeypointSelection,
    last: int | None = None,
    token: CancelToken = NEVER_CANCELLED,
    *,
    range: FrameRange | None = None,
) -> VideoKeypoints:
    """Read a file's keypoints.

    Args:
        data: the content of the file.
        name: the client's name of the file.
        selection: which keypoints to take.
        last: number of frames to keep at the end; a file with fewer frames is kept whole.
        range: the frames of its label. If `selection.cut_to_range` is set, the other frames are cut off, unless `last`
            is given, the file has already been cut, or it ends before the range.

    Raises:
        FaultyFileError: the file cannot be used.
        AnnotationError: no file can be read with the options: img_shape is missing, or the layout is unknown.
    """
    cut = _Cut(last, range if selection.cut_to_range else None)
    try:
        keypoints = _read_compiled(data, selection, cut)
        if keypoints is not None:
            return keypoints
        whole = _read_clip(data, name, selection, token)
        frames_read = whole.frames
        clip, findings = _select_and_judge(whole, selection, cut)
    except NoKeypointsError as error:
        raise FaultyFileError("no_keypoints" if "None" in error.detail else "no_frames", error.detail) from None
    except CutShortError as error:
        raise FaultyFileError("cut_short", error.detail) from None
    except ImplausibleError as error:
        raise FaultyFileError("implausible", error.detail) from None
    except InfiniteError as error:
        raise FaultyFileError("not_finite", error.detail) from None
    except AnnotationError:
        raise
    except InputError as error:
        raise FaultyFileError("unreadable", error.detail) from None
    return _converted(clip, selection, frames_read, findings)


class _Cut(NamedTuple):
    """The frames to keep: the last ones, those of a label, or all."""

    last: int | None
    range: FrameRange | None

    def indices(self, frames: int) -> slice:
        """The indices in a clip of `frames` frames."""
        if self.last is not None:
            return slice(-self.last, None)
        if self.range is None or self.range.is_length_of(frames):
            return slice(None)
        return self.range.within(frames) or slice(None)


def _read_compiled(data: bytes, selection: KeypointSelection, cut: _Cut) -> VideoKeypoints | None:
    """Read the common case in compiled code: a finite float32 .npy [T, V, 3] of a known layout; None for other files.

    Often 27 of 133 points are selected: all are checked, but only these are converted.
    """
    native = KERNELS.native
    if native is None or selection.img_shape is None or selection.layout is not None or data[:6] != MAGIC:
        return None
    interpretation = selection.interpretation
    if interpretation.coordinates != "pixels" or interpretation.project is not None:
        return None
    array = array_from_npy(data, field="keypoint", file=None)
    if array.ndim != 3 or array.shape[-1] != 3 or array.dtype != np.float32:
        return None
    if not (array.flags.c_contiguous and array.flags.aligned):
        return None
    frames_read, points = array.shape[:2]
    if frames_read > selection.bounds.max_frames or not isinstance(selection.select, str):
        return None
    try:
        source = infer_layout(points)
        layout, indices = _indices(selection.select, source) if source else (None, None)
    except InputError:  # `_select` reports it
        return None
    if indices is None or indices.min() < 0:  # the file lacks some points
        return None
    frames = cut.indices(frames_read)
    array = array[: frames.stop]  # the last frames are kept
    kept = array[frames.start :]
    keypoint = np.empty((1, len(kept), len(indices), 2), np.float32)
    score = np.empty((1, len(kept), len(indices)), np.float32)
    if not native.take_keypoints(array, indices, keypoint[0], score[0]):
        return None  # a number is infinite, NaN or too large for float16
    findings: tuple[Finding, ...] = ()
    if interpretation.plausibility != "ignore":
        findings = judge_points(PoseClip(keypoint, score, selection.img_shape, layout, third_number_is_score=True))
        if findings and findings[0].is_impossible:
            return None  # other points may be valid
    histogram = np.zeros((len(indices), SCORE_BINS), np.int64)
    native.count_scores(kept, indices, histogram)
    return VideoKeypoints(
        convert(keypoint, selection.dtype),
        convert(score, selection.dtype),
        selection.img_shape,
        layout,
        frames_read,
        0,
        histogram,
        findings,
    )


@lru_cache(maxsize=64)
def _indices(select: str, source: Layout) -> tuple[Layout, npt.NDArray[np.int64]]:
    """A layout, and the indices of its points in another layout."""
    target = get_layout(select)
    return target, np.array(target.indices_in(source), np.int64)


def _read_clip(data: bytes, name: str, selection: KeypointSelection, token: CancelToken) -> PoseClip:
    """Read a file of any format that `pose` reads."""
    options = ReadOptions(
        selection.img_shape,
        selection.layout,
        interpretation=selection.interpretation,
        bounds=selection.bounds,
        token=token,
    )
    try:
        clips = read(data, filename=name, options=options)
    except PoseError as error:
        if error.field and error.field.endswith("img_shape") and selection.img_shape is None:
            raise AnnotationError(
                "the keypoint files do not specify the size of the video frame: set the option img_shape to "
                "[height, width] in pixels, such as [1080, 1920]",
                field="options.img_shape",
                file=name,
            ) from None
        raise
    if len(clips) != 1:
        raise FaultyFileError("unreadable", f"{name} has {len(clips)} clips: it must have one")
    return clips[0]


def _select_and_judge(whole: PoseClip, selection: KeypointSelection, cut: _Cut) -> tuple[PoseClip, tuple[Finding, ...]]:
    """The clip with the selected points and frames, and the findings in its numbers.

    Raises:
        ImplausibleError: its numbers are impossible, and the options do not accept them.
    """
    clip = _select(whole, selection)
    kept = cut.indices(clip.frames)
    keypoint, score = clip.keypoint[:, kept], clip.keypoint_score[:, kept]
    if keypoint.shape[1] < clip.frames:
        clip = replace(clip, keypoint=np.ascontiguousarray(keypoint), keypoint_score=np.ascontiguousarray(score))
    return clip, PlausibilityReport(selection.interpretation.plausibility).judge(replace(clip, frame_dir=""), whole)


def _select(clip: PoseClip, selection: KeypointSelection) -> PoseClip:
    if not isinstance(selection.select, str) and selection.points not in (None, clip.points):
        raise FaultyFileError("wrong_points", f"it has {clip.points} points, but most files have {selection.points}")
    if selection.points is not None and not isinstance(selection.select, str):
        _check_names(clip.layout.points if clip.layout else (), selection.names)
    if selection.select is None:
        return clip
    try:
        return select_points(clip, selection.select, selection.bounds, missing_points=selection.missing_points)
    except InputError as error:
        known = f"a {clip.layout.name}" if clip.layout else "no known layout"
        raise FaultyFileError("wrong_points", f"it has {clip.points} points, {known}: {error.detail}") from None


def _check_names(names: tuple[str, ...], expected: tuple[str, ...]) -> None:
    """Check that points have the same names and order in all files of a dataset.

    Raises:
        FaultyFileError: the names differ from those of most files.
    """
    if names == expected:
        return
    if names and expected:
        i = next(i for i, (name, other) in enumerate(zip(names, expected, strict=True)) if name != other)
        first = f"point {i} is {names[i]!r:.60}, there {expected[i]!r:.60}"
        how = f"other names or another order than in most files: {first}"
    else:
        how = f"{'names' if names else 'no names'}, those of most files have {'none' if names else 'some'}"
    detail = f"its points have {how}. Set select to a layout, whose points are found by name"
    raise FaultyFileError("wrong_points", detail)


def _converted(
    clip: PoseClip, selection: KeypointSelection, frames_read: int, findings: tuple[Finding, ...]
) -> VideoKeypoints:
    keypoint, score = clip.keypoint, clip.keypoint_score
    missing = np.isnan(keypoint[..., 0])  # x and y are NaN together
    if missing.any():
        keypoint = np.where(missing[..., None], np.float32(0), keypoint)
    dtype = np.dtype(selection.dtype)
    if dtype.itemsize < 4:
        largest = _LARGEST[selection.dtype]
        highest = max(keypoint.max(), -keypoint.min(), score.max(), -score.min())
        if highest > largest:
            raise FaultyFileError(
                "out_of_range",
                f"{highest:,.0f} is larger than {largest:,.0f}, the maximum of {selection.dtype}: set dtype to float32",
            )
    return VideoKeypoints(
        np.ascontiguousarray(keypoint, dtype),
        np.ascontiguousarray(score, dtype),
        clip.img_shape,
        clip.layout,
        frames_read,
        int(missing.sum()),
        _histogram(score),
        findings,
    )


def _histogram(score: Float32) -> npt.NDArray[np.int64]:
    """Histogram of the scores [M, T, V] of each point: int64 [V, SCORE_BINS]."""
    count = score.shape[-1]
    bins = np.clip(score.reshape(-1, count), 0, 1) * np.float32(SCORE_BINS)
    offsets = np.minimum(bins, SCORE_BINS - 1).astype(np.intp)
    offsets += np.arange(count, dtype=np.intp) * SCORE_BINS
    return np.bincount(offsets.ravel(), minlength=count * SCORE_BINS).reshape(count, SCORE_BINS)
