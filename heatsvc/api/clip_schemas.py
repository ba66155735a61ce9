"""Schemas of POST /clips: what is in an upload."""

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
    detail: str = Field(description="What was found, and what to give instead.")
    what_to_do: str
    option: str | None = Field(None, description="The option that usually mends it.")


class SourcePoints(BaseModel):
    """The selected points of a clip before the first step."""

    keypoint: list[Any] = Field(description="[M, T, V, 2]: x and y in pixels of the video frame; null: not detected.")
    keypoint_score: list[Any] = Field(description="[M, T, V].")


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
        description="[M, T, V, 2]: x and y, where pixel i of a heatmap is at i; null: not detected. T counts mirrored "
        "copies, too."
    )
    keypoint_score: list[Any] = Field(description="[M, T, V]: the value of a point's peak.")
    frame_inds: list[int] = Field(description="[T]: the clip's frame, from 0, that each frame shows.")
    shape: list[int] = Field(description="Of the heatmap volume.")
    height: int = Field(description="H, of the heatmaps.")
    width: int = Field(description="W.")
    with_kp: bool = Field(description="Whether the V keypoints have channels.")
    limbs: list[tuple[int, int]] = Field(description="The limbs that have channels, after the keypoints.")


class ClipInfo(BaseModel):
    """One clip of an upload."""

    frame_dir: str = Field(description="Its name; empty where it has none.")
    label: int | None = None
    persons: int | None = Field(None, description="M; null where only the pickle's arrays would tell.")
    frames: int | None = Field(None, description="T.")
    points: int | None = Field(None, description="V, before `select`.")
    img_shape: tuple[int, int] | None = Field(None, description="Height and width of the video frame in pixels.")
    layout: int | None = Field(None, description="Which of `layouts` its points have; null where it is unknown.")
    findings: list[ClipFinding] | None = Field(
        None, description="What is impossible or doubtful, the worst first; null where the clip was not read."
    )
    selected_layout: int | None = Field(None, description="Which of `layouts` the selected points have.")
    source: SourcePoints | None = Field(None, description="Null unless the clip was chosen.")
    rendered: RenderedPoints | None = Field(None, description="Null unless the clip was chosen.")


class ClipList(BaseModel):
    """The clips of an upload."""

    clips: list[ClipInfo]
    layouts: list[LayoutInfo] = Field(description="Those of the clips, each once.")


CLIPS_RESPONSES: dict[int | str, dict[str, Any]] = problem_responses(400, 401, 406, 408, 413, 415, 422, 500, 503)
"""The responses of the route that are problems."""
