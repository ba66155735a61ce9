"""Schemas of POST /clips: the clips of an upload."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from heatsvc.api.problems import problem_responses
from heatsvc.api.routes.layouts import LayoutInfo
from heatsvc.pose.findings import Code, Severity


class ClipFinding(BaseModel):
    """Something impossible or doubtful in a clip's numbers."""

    code: Code
    severity: Severity
    detail: str = Field(description="What was found, and what to send instead.")
    what_to_do: str
    option: str | None = Field(None, description="The option that usually mends it.")


class SourcePoints(BaseModel):
    """The selected points of a clip before the first step."""

    keypoint: list[Any] = Field(description="[M, T, V, 2]: x and y in pixels of the video frame; null: not detected.")
    keypoint_score: list[Any] = Field(description="[M, T, V]: scores.")


Color = tuple[int, int, int]


class PartInfo(BaseModel):
    """A keypoint or channel, and the part of the body that it is on, with its color in pictures."""

    name: str = Field(description="Of a limb `left_elbow-left_wrist`; an index where the points have no names.")
    part: Literal["body", "face", "hand"]
    side: Literal["left", "right", ""]
    color: Color = Field(description="Red, green and blue: a hue for each part, left lighter than right.")


class SkeletonLimb(BaseModel):
    """A line of the skeleton."""

    ends: tuple[int, int] = Field(description="The points that it joins.")
    color: Color


class RenderedPoints(BaseModel):
    """The points of a clip after the last step, in the pixels of its heatmaps."""

    channels: list[PartInfo] = Field(description="Of the heatmap volume, in order.")
    points: list[PartInfo] = Field(description="The V points.")
    skeleton: list[SkeletonLimb] = Field(description="The layout's limbs; those with channels where it is unknown.")
    keypoint: list[Any] = Field(
        description="[M, T, V, 2]: x and y; the center of a heatmap's pixel i is at i; null: not detected. T includes "
        "the frames of mirrored copies."
    )
    keypoint_score: list[Any] = Field(description="[M, T, V]: the peak value of each point's Gaussian.")
    frame_inds: list[int] = Field(description="[T]: for each frame, its index in the clip, from 0.")
    shape: list[int] = Field(description="Shape of the heatmap volume.")
    height: int = Field(description="H, the height of the heatmaps.")
    width: int = Field(description="W, the width of the heatmaps.")
    with_kp: bool = Field(description="Whether the V keypoints have channels.")
    limbs: list[tuple[int, int]] = Field(description="The limbs that have channels, after the keypoints.")


class ClipInfo(BaseModel):
    """One clip of an upload."""

    frame_dir: str = Field(description="The clip's name; empty if it has none.")
    label: int | None = None
    persons: int | None = Field(
        None, description="M, the number of persons; null if the pickle's arrays were not read."
    )
    frames: int | None = Field(None, description="T, the number of frames.")
    points: int | None = Field(None, description="V, the number of keypoints before `select`.")
    img_shape: tuple[int, int] | None = Field(None, description="Height and width of the video frame in pixels.")
    layout: int | None = Field(None, description="Index in `layouts` of its layout; null if unknown.")
    findings: list[ClipFinding] | None = Field(
        None, description="Impossible and doubtful numbers, the worst first; null if the clip was not read."
    )
    selected_layout: int | None = Field(None, description="Index in `layouts` of the selected points' layout.")
    source: SourcePoints | None = Field(None, description="Null unless the clip was chosen.")
    rendered: RenderedPoints | None = Field(None, description="Null unless the clip was chosen.")


class ClipList(BaseModel):
    """The clips of an upload."""

    clips: list[ClipInfo]
    layouts: list[LayoutInfo] = Field(description="The layouts of the clips, each once.")


CLIPS_RESPONSES: dict[int | str, dict[str, Any]] = problem_responses(400, 401, 406, 408, 413, 415, 422, 500, 503)
"""The error responses of the route."""
