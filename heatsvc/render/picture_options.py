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
        description="`max`: the largest value of each pixel over the channels, in a color map. `joint`: a hue for each "
        "part of the body, left lighter than right, as bright as the value. `channel`: one channel.",
    )
    channel: Annotated[str, Field(max_length=201)] | Annotated[int, _Whole, Field(ge=0)] | None = Field(
        None,
        description="The channel that the mode `channel` shows: the name of a keypoint (`nose`) or a limb "
        "(`left_elbow-left_wrist`), or an index.",
    )
    colormap: ColorMap = Field("inferno", description="Color map of the modes `max` and `channel`.")
    skeleton: Annotated[bool, _Whole] = Field(
        False, description="Whether to draw the limbs of the layout, or those of the volume if the layout is unknown."
    )
    scale: Annotated[int, _Whole, Field(ge=1, le=64)] | None = Field(
        None,
        description="Factor from pixels of the map to pixels of the picture. By default a frame fits into 512 "
        "pixels, and a contact sheet into 2,048.",
    )
    fps: Annotated[float, Field(strict=True, ge=1, le=60)] = Field(
        25.0, description="Frames per second; at most 50 for a GIF."
    )
    frame: Annotated[int, _Whole, Field(ge=0)] | None = Field(None, description="Index of the only frame to show.")
    frames: Annotated[int, _Whole, Field(ge=1)] | None = Field(
        None, description="Number of frames to show, evenly spaced; by default all."
    )
    columns: Annotated[int, _Whole, Field(ge=1, le=100)] | None = Field(
        None, description="Columns of a contact sheet (a PNG of several frames); by default it is about square."
    )
    caption: Annotated[str, Field(max_length=200, pattern=_NO_CONTROL_CHARACTERS)] | None = Field(
        None, description="Text below the picture, in any script for which the service has a font."
    )
    legend: Annotated[bool, _Whole] = Field(
        False, description="Whether to explain the colors: body parts, or the values of the color map."
    )


DEFAULT_PICTURE = PictureOptions.model_validate({})
