"""Findings: results of plausibility checks, by code; and Interpretation, how users declare the meaning of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

from heatsvc.pose.errors import PoseError

Severity = Literal["impossible", "doubtful"]
PlausibilityMode = Literal["error", "warn", "ignore"]
"""``error``: impossible numbers are errors; ``warn``: they are reported, as doubtful ones always are; ``ignore``:
nothing is checked."""

Code = Literal[
    "axes",
    "frame_count",
    "depth_as_score",
    "normalized",
    "not_normalized",
    "outside_frame",
    "no_points",
    "img_shape_swapped",
    "points_outside",
    "score_range",
    "zero_points",
    "missing_points",
    "empty_volume",
    "frame_gaps",
    "guessed_name",
]


class Meaning(NamedTuple):
    """What a code stands for: its severity, what was found, what to do, and the option that usually mends it."""

    severity: Severity
    text: str
    what_to_do: str
    option: str | None = None


CODES: dict[Code, Meaning] = {
    "axes": Meaning(
        "impossible",
        "the axes seem to have another order than [M, T, V, C]",
        "Transpose the array: persons, frames, keypoints, numbers of a keypoint.",
    ),
    "frame_count": Meaning(
        "impossible",
        "`total_frames` or `frame_inds` disagrees with the array",
        "Give the number of frames of `keypoint`, or leave `total_frames` out.",
    ),
    "depth_as_score": Meaning(
        "impossible",
        "the third numbers of the keypoints are depths, or disagree with `keypoint_score`",
        "Give `project: xy`, which drops them, or `keypoint` with two numbers and `keypoint_score`.",
        "project",
    ),
    "normalized": Meaning(
        "impossible",
        "the coordinates are 0..1 of the frame instead of pixels: all would be in one corner",
        "Give `coordinates: normalized`, or coordinates in pixels.",
        "coordinates",
    ),
    "not_normalized": Meaning(
        "impossible",
        "`coordinates: normalized` was given, and most coordinates are far beyond 0..1",
        "Leave `coordinates` out if the coordinates are pixels.",
        "coordinates",
    ),
    "outside_frame": Meaning(
        "impossible",
        "no detected point is in the frame",
        "Give the img_shape of the video in which they were detected.",
        "img_shape",
    ),
    "no_points": Meaning(
        "doubtful",
        "no point is detected in any frame: the volume is zero everywhere",
        "Run the pose estimator again, or leave the clip out.",
    ),
    "img_shape_swapped": Meaning(
        "doubtful",
        "the points fit a frame whose height and width are swapped",
        "Give img_shape as [height, width].",
        "img_shape",
    ),
    "points_outside": Meaning(
        "doubtful",
        "more than 5 % of the points are outside the frame (points with a score below 0.3 count only if all scores "
        "are), or a point is four frame sizes away",
        "Check img_shape, select points that are in the picture, or set far points to NaN (null).",
        "img_shape",
    ),
    "score_range": Meaning(
        "doubtful",
        "scores outside 0..1; they are kept in float32 and float16, and clipped in uint8",
        "Divide them by the largest score that the pose estimator gives.",
    ),
    "zero_points": Meaning(
        "doubtful",
        "points at exactly (0, 0) with a score",
        "If they are not detected, set them to NaN (null), or their score to 0.",
    ),
    "missing_points": Meaning(
        "doubtful",
        "the layout of the clip does not have some of the selected points",
        "Select a layout whose points the clip has.",
        "select",
    ),
    "empty_volume": Meaning(
        "doubtful",
        "points are detected, but none that is rendered lies in the map: the volume is zero everywhere",
        "Check the scores, img_shape, and the steps that crop.",
    ),
    "frame_gaps": Meaning(
        "doubtful",
        "between the frame files of a clip, frame numbers are missing",
        "Give the missing frames, without persons where there are none.",
    ),
    "guessed_name": Meaning(
        "doubtful",
        "the encoding of a name was guessed, since its archive does not declare it",
        "Pack the archive with names in UTF-8.",
    ),
}
"""All codes, the worst first."""
OF_FILES: tuple[Code, ...] = ("frame_gaps", "guessed_name")
"""Codes about a clip's files; the others are about its numbers."""

ORDER = {code: rank for rank, code in enumerate(CODES)}


@dataclass(frozen=True, slots=True)
class Interpretation:
    """How to interpret the numbers of a clip.

    Attributes:
        coordinates: ``pixels``, or ``normalized``: from 0 to 1; they are multiplied by img_shape.
        project: ``xy`` drops the third number of a keypoint, a depth; otherwise it is the score.
        plausibility: what to do about impossible numbers.
    """

    coordinates: Literal["pixels", "normalized"] = "pixels"
    project: Literal["xy"] | None = None
    plausibility: PlausibilityMode = "error"


AS_GIVEN = Interpretation()
"""The default: pixels, with scores as third numbers."""

INTERPRETATIONS = {
    "coordinates": ("pixels", "normalized"),
    "project": (None, "xy"),
    "plausibility": get_args(PlausibilityMode),
}
"""The allowed values of each field."""


def check_interpretation(coordinates: str, project: str | None, plausibility: str) -> Interpretation:
    """Make an Interpretation from options.

    Raises:
        PoseError: an option has an invalid value.
    """
    given = {"coordinates": coordinates, "project": project, "plausibility": plausibility}
    for name, value in given.items():
        if value not in INTERPRETATIONS[name]:
            known = ", ".join(str(each) for each in INTERPRETATIONS[name])
            raise PoseError(f"{name} must be one of {known}, not {value!r:.40}", field=name)
    return Interpretation(**given)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something impossible or doubtful in a clip's numbers.

    Attributes:
        code: its code; `CODES` has its severity.
        detail: one sentence with the numbers and, if known, what to send instead.
    """

    code: Code
    detail: str

    @property
    def is_impossible(self) -> bool:
        """Whether it is an error by default."""
        return CODES[self.code].severity == "impossible"

    def as_dict(self) -> dict[str, Any]:
        """The finding with the severity, advice and option of its code, for JSON."""
        meaning = CODES[self.code]
        return {
            "code": self.code,
            "severity": meaning.severity,
            "detail": self.detail,
            "what_to_do": meaning.what_to_do,
            "option": meaning.option,
        }


class ImplausibleError(PoseError):
    """Numbers are impossible.

    Attributes:
        code: code of the finding.
    """

    def __init__(self, finding: Finding, *, field: str | None = None, file: str | None = None, name: str = ""):
        called = f"{name!r:.100}: " if name else ""
        detail = f"{called}{finding.detail}. `plausibility: warn` accepts the numbers"
        super().__init__(detail, field=field, file=file)
        self.code = finding.code


class PlausibilityWarning(UserWarning):
    """Numbers are doubtful, or impossible but accepted. Issued by `draw`, `read` and `HeatmapDataset`."""
