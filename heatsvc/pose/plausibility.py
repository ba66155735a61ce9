"""Checks the plausibility of points: normalized coordinates instead of pixels, depths as scores, a wrong frame size.

`array_plausibility` checks arrays while a clip is built; this module checks the points after selection.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from heatsvc.kernels import KERNELS
from heatsvc.pose.findings import CODES, ORDER, Code, Finding, ImplausibleError, PlausibilityMode, PlausibilityWarning

if TYPE_CHECKING:
    from heatsvc.pose.clip import PoseClip

MIN_POINTS = 5
"""Minimum number of detected points that can be impossible: one or two points may be anywhere."""
_MAX_OUTSIDE = 0.05
"""Hands leave the frame at times: in 41 real clips of words with 133 points, at most 3.4 % are outside."""
_CONFIDENT = 0.3
"""Only points with at least this score count as outside, if there are any: estimators guess hidden legs below the frame
with low scores. MMPose also shows points from this score on."""
MAX_NORMALIZED = 4.0
"""Larger coordinates are neither normalized nor in meters: those of guessed legs reach about 2, as do meters around the
hip."""
_MAX_BEYOND = 0.5
"""Fraction of normalized coordinates that may exceed `MAX_NORMALIZED`, as errors of the estimator. Pixels never have
half of their coordinates that close to the frame's edge."""
_MAX_ERRORS = 0.02
"""Fraction of coordinates in meters that may be errors of the estimator."""
_FAR = 4.0
"""A point this many frames away is an error of the estimator: steps that crop to all points make the body tiny."""
_MIN_FRAME_RATIO = 16
"""Small numbers are considered normalized if the frame's sides are at least this many times larger."""
LOWEST_SCORE, HIGHEST_SCORE = -0.1, 1.1
"""Scores in this range are not reported: peaks of estimated heatmaps overshoot 0 and 1 by a few hundredths."""
_DEPTH = -1e-3
"""Lower third numbers count as negative; MediaPipe's depths of a hand are hundredths, half of them negative."""
_MANY_NEGATIVE = 0.1
_LARGEST_SCORE = 100.0
"""Percentages and logits are lower, depths in millimeters are higher."""


class PlausibilityReport:
    """The findings in the clips of a request, a file or a dataset.

    Args:
        mode: whether impossible numbers are errors, and whether numbers are checked.
        many: whether there are several clips, so that errors have the index: ``clips[3].keypoint``.

    Attributes:
        clips: number of clips with each code; the worst first.
        details: the detail of the first clip with each code.
        worst: number of clips whose worst finding has each code.
    """

    __slots__ = ("_many", "_mode", "clips", "details", "worst")

    def __init__(self, mode: PlausibilityMode = "error", *, many: bool = False) -> None:
        self._mode, self._many = mode, many
        self.clips: dict[Code, int] = {}
        self.details: dict[Code, str] = {}
        self.worst: dict[Code, int] = {}

    def __bool__(self) -> bool:
        return bool(self.clips)

    def judge(self, clip: PoseClip, whole: PoseClip | None = None, index: int = 0) -> tuple[Finding, ...]:
        """Check a clip that will be rendered or written, and count the findings.

        Args:
            clip: with the selected points only.
            whole: the clip before points were selected; a finding is impossible only if it holds for all its points.
            index: index of the clip among several.

        Returns:
            The findings, the worst first.

        Raises:
            ImplausibleError: numbers are impossible, and the mode is ``error``.
        """
        if self._mode == "ignore":
            return ()
        found = judge_points(clip, whole)
        if clip.findings:
            found = tuple(sorted((*clip.findings, *found), key=lambda finding: ORDER[finding.code]))
        if found:
            self.add(found, clip.frame_dir, index)
        return found

    def judge_volume(
        self,
        keypoint: npt.NDArray[Any],
        score: npt.NDArray[np.float32],
        size: tuple[int, int],
        eps: float,
        clip: PoseClip,
        found: Sequence[Finding],
    ) -> None:
        """Check a volume that will be rendered, after the steps, and count it if it is empty.

        Args:
            keypoint, score: [M, T, V, 2] and [M, T, V], in pixels of the map.
            size: (height, width) of the map.
            eps: the lowest score that is rendered.
            clip: the clip before the steps.
            found: the result of `judge` for the clip.
        """
        if self._mode == "ignore" or any(finding.code == "no_points" for finding in found):
            return
        if _has_points_inside(keypoint, score, size, eps) or not _count_points(clip).detected:
            return
        finding = Finding(
            "empty_volume",
            f"points are detected, but none with a score of {eps:g} or more is in the map of {size[1]} x {size[0]} "
            "pixels: check scores, img_shape and crop",
        )
        self.add((finding,), clip.frame_dir, is_worst=not found)

    def add(self, findings: Sequence[Finding], name: str = "", index: int = 0, *, is_worst: bool = True) -> None:
        """Count the findings of a clip, the worst first; `is_worst`: whether no worse ones were counted for it.

        Raises:
            ImplausibleError: see `judge`.
        """
        if self._mode == "error" and findings[0].is_impossible:
            field = f"clips[{index}].keypoint" if self._many else "keypoint"
            raise ImplausibleError(findings[0], field=field, name=name)
        where = f"{name!r:.100}: " if name else ""
        for code in {finding.code: None for finding in findings}:
            self.clips[code] = self.clips.get(code, 0) + 1
        for finding in findings:
            self.details.setdefault(finding.code, f"{where}{finding.detail}")
        if is_worst:
            self.worst[findings[0].code] = self.worst.get(findings[0].code, 0) + 1

    @property
    def header(self) -> str:
        """``points_outside;clips=3, score_range;clips=1``; a few hundred characters with every code."""
        return ", ".join(f"{code};clips={self.clips[code]}" for code in _ordered(self.clips))

    def as_json(self) -> list[dict[str, str | int]]:
        """For each code `code`, `severity`, the number of `clips` and the `detail` of the first one."""
        return [
            {"code": code, "severity": CODES[code].severity, "clips": self.clips[code], "detail": self.details[code]}
            for code in _ordered(self.clips)
        ]

    def warn(self, *, stacklevel: int) -> None:
        """Issue a `PlausibilityWarning` for each code, at the caller that is `stacklevel` calls up."""
        for code in _ordered(self.clips):
            often = f" ({self.clips[code]:,} clips)" if self.clips[code] > 1 else ""
            warnings.warn(f"{code}: {self.details[code]}{often}", PlausibilityWarning, stacklevel=stacklevel + 1)


def _ordered(codes: Iterable[Code]) -> list[Code]:
    return sorted(codes, key=ORDER.__getitem__)


def judge_points(clip: PoseClip, whole: PoseClip | None = None) -> tuple[Finding, ...]:
    """Check the points of a clip, in one pass of a few microseconds for 48 frames of 17 points.

    Args:
        clip: with the selected points only.
        whole: the clip before points were selected, if any were. A finding about the selected points is impossible only
            if it also holds for all points: legs that the estimator guessed below the frame are not a fault.

    Returns:
        The findings, the worst first.
    """
    counts = _count_points(clip)
    is_inside = counts.inside and counts.confident and counts.confident_outside <= _MAX_OUTSIDE * counts.confident
    if is_inside and not (counts.is_small or counts.at_origin or counts.scores_out_of_range or counts.far):
        return ()
    found = list(_impossible(clip, counts))
    if found and whole is not None and whole is not clip:
        known = {finding.code for finding in _impossible(whole, _count_points(whole))}
        found = [finding for finding in found if finding.code in known]
    return (*found, *_doubtful(clip, counts, check_frame=not found))


class _Counts(NamedTuple):
    """Numbers of points, as counted by the kernel `count_points` and by the NumPy code below.

    Attributes:
        detected: points that are not NaN, have a score above 0, and are not exactly at (0, 0).
        inside: detected points in the frame.
        beyond_x, beyond_y: detected points whose x or y is beyond `MAX_NORMALIZED`.
        far: detected points that are `_FAR` frames away from the origin.
        confident: detected points with a score of `_CONFIDENT` or more.
        confident_inside: confident points in the frame.
        confident_transposed: confident points in a frame with swapped sides.
        at_origin: points exactly at (0, 0) with a score above 0.
        scores_out_of_range: scores below 0 or above `HIGHEST_SCORE`, of all points.
    """

    detected: int
    inside: int
    beyond_x: int
    beyond_y: int
    far: int
    confident: int
    confident_inside: int
    confident_transposed: int
    at_origin: int
    scores_out_of_range: int

    @property
    def confident_outside(self) -> int:
        """Confident points that are not in the frame."""
        return self.confident - self.confident_inside

    @property
    def is_small(self) -> bool:
        """Whether most x or most y are as small as normalized coordinates."""
        return min(self.beyond_x, self.beyond_y) <= _MAX_BEYOND * self.detected


def _count_points(clip: PoseClip) -> _Counts:
    height, width = clip.img_shape
    native = KERNELS.native
    if native is not None:
        return _Counts(
            *native.count_points(
                *(clip.keypoint, clip.keypoint_score, height, width),
                *(MAX_NORMALIZED, _FAR, _CONFIDENT, _DEPTH, HIGHEST_SCORE),
            )
        )
    x, y, score = clip.keypoint[..., 0], clip.keypoint[..., 1], clip.keypoint_score
    zero = (x == 0) & (y == 0)
    detected = _detected(clip)
    positive = detected & (x >= 0) & (y >= 0)
    inside = positive & (x <= width) & (y <= height)
    transposed = positive & (x <= height) & (y <= width)
    confident = score >= np.float32(_CONFIDENT)

    return _Counts(
        *(
            int(np.count_nonzero(points))
            for points in (
                detected,
                inside,
                detected & (np.abs(x) > np.float32(MAX_NORMALIZED)),
                detected & (np.abs(y) > np.float32(MAX_NORMALIZED)),
                detected & ((np.abs(x) > np.float32(_FAR * width)) | (np.abs(y) > np.float32(_FAR * height))),
                detected & confident,
                inside & confident,
                transposed & confident,
                zero & (score > 0),
                (score < np.float32(_DEPTH)) | (score > np.float32(HIGHEST_SCORE)),
            )
        )
    )


def _detected(clip: PoseClip) -> npt.NDArray[np.bool_]:
    """[M, T, V]: points that are not NaN, have a score above 0 and are not exactly (0, 0)."""
    x, y = clip.keypoint[..., 0], clip.keypoint[..., 1]
    detected: npt.NDArray[np.bool_] = (clip.keypoint_score > 0) & ((x != 0) | (y != 0)) & ~np.isnan(x) & ~np.isnan(y)
    return detected


def _impossible(clip: PoseClip, counts: _Counts) -> Iterable[Finding]:
    height, width = clip.img_shape
    if counts.scores_out_of_range and clip.third_number_is_score and _is_depth(clip):
        score = clip.keypoint_score
        yield Finding(
            "depth_as_score",
            f"the third numbers of the keypoints are {score.min():.4g} to {score.max():.4g}, which are depths instead "
            "of scores: set `project: xy` to drop them, or send two numbers per keypoint and keypoint_score",
        )
    if counts.detected < MIN_POINTS:
        return
    if counts.is_small and (finding := _judge_small(clip, counts)):
        yield finding
        return
    if not counts.inside:
        is_swapped = counts.confident and counts.confident_transposed >= (1 - _MAX_OUTSIDE) * counts.confident
        right = f"[{width}, {height}]" if is_swapped else "the [height, width] of the video"
        yield Finding(
            "outside_frame",
            f"none of {counts.detected:,} detected points is in the frame of {width} x {height} pixels, "
            f"{_extent(clip.keypoint[_detected(clip)])}: set img_shape to {right}",
        )


def _judge_small(clip: PoseClip, counts: _Counts) -> Finding | None:
    """Check points of which most have an x or a y as small as normalized coordinates."""
    height, width = clip.img_shape
    points = clip.keypoint[_detected(clip)]
    are_small = [beyond <= _MAX_BEYOND * counts.detected for beyond in (counts.beyond_x, counts.beyond_y)]
    for numbers, side, is_small in zip(points.T, (width, height), are_small, strict=True):
        if not is_small:
            continue
        small = numbers[np.abs(numbers) <= MAX_NORMALIZED]
        reach = max(1.0, float(np.abs(small).max(initial=0)))
        # Whole numbers may be pixels at the frame's edge, unless all are 0 or 1.
        is_fraction = (small % 1 != 0).mean() >= 0.5 or (np.isin(points, (0, 1)).all() and np.ptp(points) > 0)
        if _MIN_FRAME_RATIO * reach > side or not is_fraction:
            return None
    if not all(are_small):
        right = "one of them is normalized, the other is not: send both in pixels"
    elif ((points >= 0) & (points <= 1)).all(axis=-1).mean() >= 0.5:
        right = "set `coordinates: normalized`, which multiplies them by img_shape"
    else:
        right = "they may be from -1 to 1, or in meters; convert them to pixels"
    return Finding("normalized", f"{_extent(points)} in a frame of {width} x {height} pixels: {right}")


def _has_points_inside(
    keypoint: npt.NDArray[Any], score: npt.NDArray[np.float32], size: tuple[int, int], eps: float
) -> bool:
    """Whether a point with a score of `eps` or more is in a map."""
    native = KERNELS.native
    if native is not None and keypoint.dtype == np.float32:
        counts = _Counts(*native.count_points(keypoint, score, *size, MAX_NORMALIZED, _FAR, eps, _DEPTH, HIGHEST_SCORE))
        return counts.confident_inside > 0
    x, y = keypoint[..., 0], keypoint[..., 1]
    inside = ((x != 0) | (y != 0)) & (x >= 0) & (y >= 0) & (x <= size[1]) & (y <= size[0])
    return bool((inside & (score >= eps)).any())


def _extent(points: npt.NDArray[np.float32]) -> str:
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    return f"x is {left:.4g} to {right:.4g} and y {top:.4g} to {bottom:.4g}"


def _doubtful(clip: PoseClip, counts: _Counts, *, check_frame: bool) -> Iterable[Finding]:
    height, width = clip.img_shape
    if counts.confident:
        judged, outside = counts.confident, counts.confident_outside
    else:
        judged, outside = counts.detected, counts.detected - counts.inside
    if not counts.detected:
        yield Finding("no_points", "no point is detected in any frame: the volume is zeros")
    elif check_frame and outside > _MAX_OUTSIDE * judged:
        # Estimators guess legs below a wide frame, so a portrait frame is suspected only if many points are below.
        enough = outside > (_MAX_OUTSIDE if height > width else 0.25) * judged
        fits = counts.confident >= MIN_POINTS and counts.confident_transposed >= 0.99 * counts.confident
        if enough and height != width and fits:
            yield Finding(
                "img_shape_swapped",
                f"{outside:,} of {judged:,} points are outside the frame of {width} x {height} pixels, and "
                f"{judged - counts.confident_transposed:,} outside {height} x {width}: img_shape is [height, width]",
            )
        else:
            yield Finding(
                "points_outside",
                f"{outside:,} of {judged:,} points are outside the frame of {width} x {height} pixels: "
                "check img_shape, or select points that are in the frame",
            )
    elif check_frame and counts.far:
        yield Finding(
            "points_outside",
            f"{counts.far:,} of {counts.detected:,} points are {_FAR:g} frames or more away, "
            f"{_extent(clip.keypoint[_detected(clip)])}: steps that crop to all points make the others tiny; set "
            "far points to NaN (null)",
        )
    if counts.scores_out_of_range:
        lowest, highest = float(clip.keypoint_score.min()), float(clip.keypoint_score.max())
        if lowest < LOWEST_SCORE or highest > HIGHEST_SCORE:
            are_flags = bool(np.isin(clip.keypoint_score, (0, 1, 2)).all())
            right = "they may be COCO's visibility flags: replace 2 by 1" if are_flags else "send scores from 0 to 1"
            yield Finding(
                "score_range",
                f"scores are {lowest:.4g} to {highest:.4g}: float32 and float16 keep them, uint8 clips them; {right}",
            )
    if counts.at_origin:
        yield Finding(
            "zero_points",
            f"{counts.at_origin:,} points are at exactly (0, 0) with a score above 0: if that means 'not detected', "
            "send NaN (null), or a score of 0",
        )


def _is_depth(clip: PoseClip) -> bool:
    """Whether third numbers are not scores: many are negative, most are large, or above 1 with x and y in meters."""
    x, y, third = clip.keypoint[..., 0], clip.keypoint[..., 1], clip.keypoint_score
    present = ((x != 0) | (y != 0)) & ~np.isnan(x)
    third = third[present]
    if third.size < MIN_POINTS:
        return False
    if np.mean(third < _DEPTH) > _MANY_NEGATIVE or np.mean(third > _LARGEST_SCORE) > 0.5:
        return True
    in_meters = np.mean(np.maximum(np.abs(x), np.abs(y))[present] > MAX_NORMALIZED) <= _MAX_ERRORS
    # COCO's visibility flags are whole numbers up to 2.
    return bool(in_meters and np.mean(third > HIGHEST_SCORE) > 0.5 and (third % 1 != 0).any())
