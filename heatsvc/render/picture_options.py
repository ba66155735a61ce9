"""PictureOptions: how a volume is shown as a picture; the option `picture` of requests."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

ColorMap = Literal["inferno", "magma", "plasma", "viridis", "cividis", "gray"]

_NO_CONTROL_CHARACTERS = r"^[^\x00-\x1f\x7f]*$"
_Whole = Field(strict=True)


class PictureOptions(BaseModel):
    """How a volume is shown. Frames are counted over the whole volume, clip after clip."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Literal["max", "joint", "channel"] = Field(
        "max",
        description="`max`: each pixel's largest value over the channels, in a color map. `joint`: a hue for each body "
        "part, whose brightness is the value; left is lighter than right. `channel`: one channel, in a color map.",
    )
    channel: Annotated[str, Field(max_length=201)] | Annotated[int, _Whole, Field(ge=0)] | None = Field(
        None,
        description="For the mode `channel`: name of a keypoint (`nose`) or limb (`left_elbow-left_wrist`), or an "
        "index.",
    )
    colormap: ColorMap = Field("inferno", description="Color map of the modes `max` and `channel`.")
    skeleton: Annotated[bool, _Whole] = Field(
        False, description="Whether to draw the layout's limbs, or the volume's if the layout is unknown."
    )
    scale: Annotated[int, _Whole, Field(ge=1, le=64)] | None = Field(
        None,
        description="Pixels of the picture per pixel of a map. By default the largest scale at which a frame fits into "
        "512 pixels and a contact sheet into 2,048.",
    )
    fps: Annotated[float, Field(strict=True, ge=1, le=60)] = Field(
        25.0, description="Frames per second; at most 50 for a GIF."
    )
    frame: Annotated[int, _Whole, Field(ge=0)] | None = Field(
        None, description="Index of the only frame to show; by default all frames are shown."
    )
    frames: Annotated[int, _Whole, Field(ge=1)] | None = Field(
        None, description="Number of frames to show, evenly spaced; by default all."
    )
    columns: Annotated[int, _Whole, Field(ge=1, le=100)] | None = Field(
        None, description="Columns of a contact sheet, a PNG of several frames; by default it is about square."
    )
    caption: Annotated[str, Field(max_length=200, pattern=_NO_CONTROL_CHARACTERS)] | None = Field(
        None, description="Text below the picture, in any script for which the service has a font."
    )
    legend: Annotated[bool, _Whole] = Field(
        False, description="Whether to explain the colors: hues of body parts, or the color map with its values."
    )


DEFAULT_PICTURE = PictureOptions.model_validate({})
