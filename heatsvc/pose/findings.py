"""Findings: results of plausibility checks, by code; and Interpretation, how users declare the meaning of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

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
    """The meaning of a code: its severity, what was found, and what to do."""

    severity: Severity
    text: str
    what_to_do: str


CODES: dict[Code, Meaning] = {
    "axes": Meaning(
        "impossible",
        "the axes seem to have another order than [M, T, V, C]",
        "Transpose the array: persons, frames, keypoints, numbers of a keypoint.",
    ),
    "frame_count": Meaning(
        "impossible",
        "`total_frames` or `frame_inds` disagree with the array",
        "Correct `total_frames`, or leave it out.",
    ),
    "depth_as_score": Meaning(
        "impossible",
        "the third numbers of the keypoints are not scores: they are depths, or differ from `keypoint_score`",
        "Set `project: xy`, which drops them, or send `keypoint` with two numbers, and `keypoint_score`.",
    ),
    "normalized": Meaning(
        "impossible",
        "coordinates seem to be normalized, not pixels: all would be in one corner of the frame",
        "Set `coordinates: normalized` if they are from 0 to 1, or send pixels.",
    ),
    "not_normalized": Meaning(
        "impossible",
        "`coordinates: normalized` was set, but many coordinates are not from 0 to 1",
        "Leave `coordinates` out if they are pixels.",
    ),
    "outside_frame": Meaning(
        "impossible",
        "no detected point is in the frame",
        "Set img_shape to the size of the video in which they were detected.",
    ),
    "no_points": Meaning(
        "doubtful",
        "no point is detected in any frame: the volume is zeros",
        "Run the pose estimator again, or leave the clip out.",
    ),
    "img_shape_swapped": Meaning(
        "doubtful", "the points fit into a frame of the other orientation", "Send img_shape as [height, width]."
    ),
    "points_outside": Meaning(
        "doubtful",
        "more than 5 % of the points are outside the frame (points with a score below 0.3 count only if all have such "
        "scores), or a point is four frames away",
        "Check img_shape; select points that are in the frame; set far points to NaN (null).",
    ),
    "score_range": Meaning(
        "doubtful",
        "scores are not from 0 to 1; they are kept in float32 and float16, and clipped in uint8",
        "Divide them by the largest score of the pose estimator.",
    ),
    "zero_points": Meaning(
        "doubtful",
        "points are at exactly (0, 0) with a score above 0",
        "Set them to NaN (null), or their score to 0: not detected.",
    ),
    "missing_points": Meaning(
        "doubtful",
        "selected points are missing from the clip's layout",
        "Select a layout whose points the clip has.",
    ),
    "empty_volume": Meaning(
        "doubtful",
        "points are detected, but none with a sufficient score is in the map: the volume is zeros",
        "Check the scores, img_shape, and the crop of the steps.",
    ),
    "frame_gaps": Meaning(
        "doubtful",
        "frame numbers are missing between a clip's frame files",
        "Send the missing frames; frames may have no persons.",
    ),
    "guessed_name": Meaning(
        "doubtful",
        "a name is from an archive that does not declare the encoding of its names",
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
