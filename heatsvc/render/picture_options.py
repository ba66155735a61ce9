"""PictureOptions: how a volume is shown as a picture; in requests the option `picture`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

ColorMap = Literal["inferno", "magma", "plasma", "viridis", "cividis", "gray"]

_NO_CONTROL_CHARACTERS = r"^[^\x00-\x1f\x7f]*$"
_Whole = Field(strict=True)


class PictureOptions(BaseModel):
    """How a volume is shown. Numbers of frames count those of the volume, clip after clip."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Literal["max", "joint", "channel"] = Field(
        "max",
        description="`max`: each pixel's largest value over the channels, in a color map. `joint`: a hue for each part "
        "of the body, left lighter than right, as bright as the value. `channel`: one channel.",
    )
    channel: Annotated[str, Field(max_length=201)] | Annotated[int, _Whole, Field(ge=0)] | None = Field(
        None,
        description="Of the mode `channel`: a keypoint's name (`nose`), a limb's (`left_elbow-left_wrist`), or an "
        "index.",
    )
    colormap: ColorMap = Field("inferno", description="Of the modes `max` and `channel`.")
    skeleton: Annotated[bool, _Whole] = Field(
        False, description="Draw the layout's limbs over it; those of the volume where the layout is unknown."
    )
    scale: Annotated[int, _Whole, Field(ge=1, le=64)] | None = Field(
        None,
        description="Pixels of the picture for each pixel of a map. By default as many as fit into 512 for a frame "
        "and 2,048 for a contact sheet.",
    )
    fps: Annotated[float, Field(strict=True, ge=1, le=60)] = Field(
        25.0, description="Frames per second; a GIF has 50 at most."
    )
    frame: Annotated[int, _Whole, Field(ge=0)] | None = Field(
        None, description="The only frame to show, instead of all of them."
    )
    frames: Annotated[int, _Whole, Field(ge=1)] | None = Field(
        None, description="How many frames to show, evenly spaced; all by default."
    )
    columns: Annotated[int, _Whole, Field(ge=1, le=100)] | None = Field(
        None, description="Columns of a contact sheet, which a PNG of several frames is; by default about a square."
    )
    caption: Annotated[str, Field(max_length=200, pattern=_NO_CONTROL_CHARACTERS)] | None = Field(
        None, description="A text below the picture, in any script that a font of the service has."
    )
    legend: Annotated[bool, _Whole] = Field(
        False, description="What the colors are: hues of body parts, or the color map with its values."
    )


DEFAULT_PICTURE = PictureOptions.model_validate({})
