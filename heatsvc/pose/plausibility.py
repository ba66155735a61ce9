"""Plausibility: numbers that cannot be meant, such as coordinates of 0..1 where pixels belong.

What only the array shows as it was given is judged when the clip is built; the points, once they are selected.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from heatsvc.kernels import KERNELS
from heatsvc.pose.errors import PoseError

if TYPE_CHECKING:
    from heatsvc.pose.clip import PoseClip

Severity = Literal["impossible", "doubtful"]
PlausibilityMode = Literal["error", "warn", "ignore"]
"""What becomes of findings: impossible ones are errors, or only reported as the others; or nothing is judged."""

Code = Literal[
    "axes",
    "frame_count",
    "depth_as_score",
    "normalized",
    "outside_frame",
    "no_points",
    "img_shape_swapped",
    "points_outside",
    "score_range",
    "zero_points",
    "missing_points",
    "frame_gaps",
    "guessed_name",
]


class Meaning(NamedTuple):
    """What a code stands for: its severity, what was found, and what to do."""

    severity: Severity
    text: str
    what_to_do: str


CODES: dict[Code, Meaning] = {
    "axes": Meaning(
        "impossible",
        "the axes seem to be in another order than [M, T, V, C]",
        "Transpose the array: persons, frames, keypoints, numbers of a keypoint.",
    ),
    "frame_count": Meaning(
        "impossible",
        "`total_frames` or `frame_inds` disagree with the array",
        "Give the number of frames of `keypoint`, or leave it out.",
    ),
    "depth_as_score": Meaning(
        "impossible",
        "the third number of a keypoint is a depth, not a score",
        "Give `project: xy`, which drops it, or `keypoint` with two numbers and `keypoint_score`.",
    ),
    "normalized": Meaning(
        "impossible",
        "coordinates that count the frame as 1, not in pixels: all would be in one corner of the frame",
        "Give `coordinates: normalized` where they are 0..1 of the frame, or pixels.",
    ),
    "outside_frame": Meaning(
        "impossible", "no detected point is in the frame", "Give the img_shape of the video that they were detected in."
    ),
    "no_points": Meaning(
        "doubtful",
        "no point is detected in any frame: the volume is zeros",
        "Run the pose estimator again, or leave it out.",
    ),
    "img_shape_swapped": Meaning(
        "doubtful", "the points fit into a frame of the other orientation", "Give img_shape as [height, width]."
    ),
    "points_outside": Meaning(
        "doubtful",
        "more than 5 % of the points, not counting those with a score under 0.3, are outside of the frame",
        "Check img_shape; or select points that are in the picture.",
    ),
    "score_range": Meaning(
        "doubtful",
        "scores outside of 0..1, which are kept in float32 and float16 and clipped in uint8",
        "Divide them by the largest score of the pose estimator.",
    ),
    "zero_points": Meaning(
        "doubtful",
        "points at exactly (0, 0) with a score",
        "Set them to NaN (null), or their score to 0: not detected.",
    ),
    "missing_points": Meaning(
        "doubtful",
        "selected points that the clip's layout does not have",
        "Select a layout that has only these points.",
    ),
    "frame_gaps": Meaning(
        "doubtful",
        "frame numbers that no file has, between those of a clip's frame files",
        "Give the missing frames, without persons where there are none.",
    ),
    "guessed_name": Meaning(
        "doubtful",
        "a name from an archive that does not declare the encoding of its names",
        "Pack the archive with names in UTF-8.",
    ),
}
"""Every code, the worst first."""
OF_FILES: tuple[Code, ...] = ("frame_gaps", "guessed_name")
"""Codes of how a clip was found in its files; the others are of its numbers."""

_ORDER = {code: rank for rank, code in enumerate(CODES)}

MIN_POINTS = 5
"""Detected points from which on numbers are called impossible: one or two anywhere may be meant."""
_MAX_OUTSIDE = 0.05
"""Hands leave the frame for some frames: of 41 real clips of words with 133 points at most 3.4 % are outside."""
_CONFIDENT = 0.3
"""Score of points that may count as outside, if any has it: legs are guessed below the frame, with low scores. MMPose
draws points from this score on."""
NEAR = 4.0
"""Coordinates of 0..1 reach about 2 where a body's legs are guessed below the frame; metres around the hip as far."""
_FEW_AWAY = 0.02
"""Share of coordinates beyond `NEAR` among normalised ones, at most: glitches of the estimator."""
_SIDE_OF_NEAR = 16
"""A frame is much larger than normalised coordinates where its sides are so many times as long."""
LOWEST_SCORE, HIGHEST_SCORE = -0.1, 1.1
"""Scores between them are silent: peaks of estimated heatmaps overshoot 0 and 1 by a few hundredths."""
_DEPTH = -1e-3
"""Below it a third number counts as negative; MediaPipe's depths of a hand are hundredths, half of them negative."""
_MANY_NEGATIVE = 0.1
_LARGEST_SCORE = 100.0
"""Percentages and logits are below, millimetres of depth above."""


@dataclass(frozen=True, slots=True)
class Interpretation:
    """How the numbers of a clip are meant.

    Attributes:
        coordinates: ``pixels``, or ``normalized``: 0..1 of the frame, which are multiplied by img_shape.
        project: ``xy`` drops the third number of a keypoint, a depth, which is a score otherwise.
        plausibility: what becomes of numbers that cannot be meant.
    """

    coordinates: Literal["pixels", "normalized"] = "pixels"
    project: Literal["xy"] | None = None
    plausibility: PlausibilityMode = "error"


AS_GIVEN = Interpretation()
"""Pixels, with scores as third numbers."""

INTERPRETATIONS = {
    "coordinates": ("pixels", "normalized"),
    "project": (None, "xy"),
    "plausibility": get_args(PlausibilityMode),
}
"""The values of each of its fields."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that cannot be meant, or may not be.

    Attributes:
        code: what it is; `CODES` has its severity.
        detail: one sentence with the numbers, which ends with what to give instead.
    """

    code: Code
    detail: str

    @property
    def is_impossible(self) -> bool:
        """Whether it is an error unless the user says otherwise."""
        return CODES[self.code].severity == "impossible"


class ImplausibleError(PoseError):
    """Numbers that cannot be meant.

    Attributes:
        code: of the finding.
    """

    def __init__(self, finding: Finding, *, field: str | None = None, file: str | None = None, name: str = ""):
        called = f"{name!a:.100}: " if name else ""
        detail = f"{called}{finding.detail}. `plausibility: warn` takes the numbers as they are"
        super().__init__(detail, field=field, file=file)
        self.code = finding.code


class PlausibilityWarning(UserWarning):
    """Numbers that may not be meant, in `heatsvc.draw` and `heatsvc.read`."""


class PlausibilityReport:
    """What was found in the clips of a request, a file or a dataset.

    Args:
        mode: whether impossible numbers are errors, and whether anything is judged.
        many: whether there are several clips, whose index is named in errors: ``clips[3].keypoint``.

    Attributes:
        clips: by code, how many clips have such a finding; the worst first.
        details: by code, the sentence of the first such clip.
        worst: by code, how many clips have it as their worst finding.
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
        """Judge a clip that is going to be rendered or written, and count what is found.

        Args:
            clip: with the selected points only.
            whole: the clip before points were selected; what is impossible must be so of all its points.
            index: of the clip among several.

        Returns:
            the findings, the worst first; empty for sound clips.

        Raises:
            ImplausibleError: the numbers cannot be meant, and the mode is ``error``.
        """
        if self._mode == "ignore":
            return ()
        found = judge_points(clip, whole)
        if clip.findings:
            found = tuple(sorted((*clip.findings, *found), key=lambda finding: _ORDER[finding.code]))
        if found:
            self.add(found, clip.frame_dir, index)
        return found

    def add(self, findings: Sequence[Finding], name: str = "", index: int = 0) -> None:
        """Count the findings of a clip, the worst first.

        Raises:
            ImplausibleError: as of `judge`.
        """
        if self._mode == "error" and findings[0].is_impossible:
            field = f"clips[{index}].keypoint" if self._many else "keypoint"
            raise ImplausibleError(findings[0], field=field, name=name)
        where = f"{name!a:.100}: " if name else ""
        for code in {finding.code: None for finding in findings}:
            self.clips[code] = self.clips.get(code, 0) + 1
        for finding in findings:
            self.details.setdefault(finding.code, f"{where}{finding.detail}")
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
        """A `PlausibilityWarning` for each code, at the caller that is `stacklevel` calls up."""
        for code in _ordered(self.clips):
            often = f" ({self.clips[code]:,} clips)" if self.clips[code] > 1 else ""
            warnings.warn(f"{code}: {self.details[code]}{often}", PlausibilityWarning, stacklevel=stacklevel + 1)


def _ordered(codes: Iterable[Code]) -> list[Code]:
    return sorted(codes, key=_ORDER.__getitem__)


def judge_points(clip: PoseClip, whole: PoseClip | None = None) -> tuple[Finding, ...]:
    """Judge the points of a clip: one pass over them, a few microseconds for 48 frames of 17 points.

    Args:
        clip: with the selected points only.
        whole: the clip before points were selected, if any were: nothing is impossible of a part that is not so of the
            whole, such as of legs that the estimator guessed below the frame.

    Returns:
        the findings, the worst first.
    """
    counts = _count_points(clip)
    detected, inside, away, confident, confident_inside, _, zeros, odd = counts
    is_placed = inside and confident and confident_inside >= (1 - _MAX_OUTSIDE) * confident
    if is_placed and away > _FEW_AWAY * detected and not zeros and not odd:
        return ()
    found = list(_impossible(clip, counts))
    if found and whole is not None and whole is not clip:
        known = {finding.code for finding in _impossible(whole, _count_points(whole))}
        found = [finding for finding in found if finding.code in known]
    return (*found, *_doubtful(clip, counts, is_placed=not found))


class _Counts(NamedTuple):
    """What the kernel counts, see src/kernels.h."""

    detected: int
    inside: int
    away: int
    confident: int
    confident_inside: int
    confident_turned: int
    zeros: int
    odd: int


def _count_points(clip: PoseClip) -> _Counts:
    height, width = clip.img_shape
    native = KERNELS.native
    if native is not None:
        counts: _Counts = native.survey_points(
            clip.keypoint, clip.keypoint_score, height, width, NEAR, _CONFIDENT, _DEPTH, HIGHEST_SCORE
        )
        return counts
    x, y, score = clip.keypoint[..., 0], clip.keypoint[..., 1], clip.keypoint_score
    zero = (x == 0) & (y == 0)
    detected = _detected(clip)
    positive = detected & (x >= 0) & (y >= 0)
    inside = positive & (x <= width) & (y <= height)
    turned = positive & (x <= height) & (y <= width)
    confident = score >= np.float32(_CONFIDENT)
    near = (np.abs(x) <= np.float32(NEAR)) & (np.abs(y) <= np.float32(NEAR))
    return _Counts(
        *(
            int(np.count_nonzero(points))
            for points in (
                detected,
                inside,
                detected & ~near,
                detected & confident,
                inside & confident,
                turned & confident,
                zero & (score > 0),
                (score < np.float32(_DEPTH)) | (score > np.float32(HIGHEST_SCORE)),
            )
        )
    )


def _detected(clip: PoseClip) -> npt.NDArray[np.bool_]:
    """[M, T, V]: points that are no NaN, have a score above 0 and are not exactly (0, 0)."""
    x, y = clip.keypoint[..., 0], clip.keypoint[..., 1]
    detected: npt.NDArray[np.bool_] = (clip.keypoint_score > 0) & ((x != 0) | (y != 0)) & ~np.isnan(x) & ~np.isnan(y)
    return detected


def _impossible(clip: PoseClip, counts: Sequence[int]) -> Iterable[Finding]:
    detected, inside, away, confident, _, turned, _, odd = counts
    height, width = clip.img_shape
    if odd and clip.third_number_is_score and _is_depth(clip):
        score = clip.keypoint_score
        yield Finding(
            "depth_as_score",
            f"the third numbers of the keypoints are {score.min():.4g} to {score.max():.4g}, no confidence but a "
            "depth: give `project: xy` to drop them, or two numbers per keypoint and keypoint_score",
        )
    if detected < MIN_POINTS:
        return
    if away <= _FEW_AWAY * detected:
        points = clip.keypoint[_detected(clip)]
        reach = max(1.0, float(np.abs(points)[np.abs(points) <= NEAR].max(initial=0)))
        if _SIDE_OF_NEAR * reach <= min(height, width) and (points % 1 != 0).any(axis=-1).mean() >= 0.5:
            is_unit = ((points >= 0) & (points <= 1)).all(axis=-1).mean() >= 0.5
            right = (
                "give `coordinates: normalized`, which multiplies them by img_shape"
                if is_unit
                else "they may be -1..1 or metres; convert them, and give pixels"
            )
            yield Finding("normalized", f"{_extent(points)} in a frame of {width} x {height} pixels: {right}")
            return
    if not inside:
        is_turned = confident and turned >= (1 - _MAX_OUTSIDE) * confident
        right = f"[{width}, {height}]" if is_turned else "the [height, width] of the video"
        yield Finding(
            "outside_frame",
            f"none of {detected:,} detected points is in the frame of {width} x {height} pixels, "
            f"{_extent(clip.keypoint[_detected(clip)])}: give {right} as img_shape",
        )


def _extent(points: npt.NDArray[np.float32]) -> str:
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    return f"x is {left:.4g} to {right:.4g} and y {top:.4g} to {bottom:.4g}"


def _doubtful(clip: PoseClip, counts: Sequence[int], *, is_placed: bool) -> Iterable[Finding]:
    detected, inside, _, confident, confident_inside, turned, zeros, odd = counts
    height, width = clip.img_shape
    judged, outside = (confident, confident - confident_inside) if confident else (detected, detected - inside)
    if not detected:
        yield Finding("no_points", "no point is detected in any frame: the volume is zeros")
    elif is_placed and outside > _MAX_OUTSIDE * judged:
        # Estimators guess legs below a wide frame, so a high one is suspected only where many points are below.
        enough = outside > (_MAX_OUTSIDE if height > width else 0.25) * judged
        if enough and height != width and confident >= MIN_POINTS and turned >= 0.99 * confident:
            yield Finding(
                "img_shape_swapped",
                f"{outside:,} of {judged:,} points are outside of the frame of {width} x {height} pixels, "
                f"and {judged - turned:,} of one of {height} x {width}: img_shape is [height, width]",
            )
        else:
            yield Finding(
                "points_outside",
                f"{outside:,} of {judged:,} points are outside of the frame of {width} x {height} pixels: "
                "check img_shape, or select points that are in the picture",
            )
    if odd:
        lowest, highest = float(clip.keypoint_score.min()), float(clip.keypoint_score.max())
        if lowest < LOWEST_SCORE or highest > HIGHEST_SCORE:
            yield Finding(
                "score_range",
                f"scores are {lowest:.4g} to {highest:.4g}: float32 and float16 keep them, uint8 clips them; "
                "give confidences of 0..1",
            )
    if zeros:
        yield Finding(
            "zero_points",
            f"{zeros:,} points are at exactly (0, 0) with a score above 0: where that means 'not detected', "
            "give NaN (null), or a score of 0",
        )


def _is_depth(clip: PoseClip) -> bool:
    """Whether third numbers are no confidences: many negative, or most large, or above 1 with x and y in metres."""
    x, y, third = clip.keypoint[..., 0], clip.keypoint[..., 1], clip.keypoint_score
    present = ((x != 0) | (y != 0)) & ~np.isnan(x)
    third = third[present]
    if third.size < MIN_POINTS:
        return False
    if np.mean(third < _DEPTH) > _MANY_NEGATIVE or np.mean(third > _LARGEST_SCORE) > 0.5:
        return True
    in_metres = np.mean(np.maximum(np.abs(x), np.abs(y))[present] > NEAR) <= _FEW_AWAY
    # COCO's visibility flags are whole numbers up to 2.
    return bool(in_metres and np.mean(third > HIGHEST_SCORE) > 0.5 and (third % 1 != 0).any())
