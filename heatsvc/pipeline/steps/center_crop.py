"""CenterCrop: crops to the center of the frame."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from heatsvc.pipeline.steps.step import LIST, Float, NotLazy, PipelineState, Step

Side = Annotated[int, Field(ge=1, le=100_000)]


class CenterCrop(Step):
    """Crops to the center of the frame; a smaller frame is padded."""

    type: Literal["CenterCrop"] = "CenterCrop"
    crop_size: Annotated[
        Side | Annotated[tuple[Side, Side], LIST],
        Field(description="[width, height] in pixels, or one number for both."),
    ]
    lazy: NotLazy = False

    def __call__(self, state: PipelineState) -> None:
        """Crop the frame; points outside it are kept."""
        width, height = (self.crop_size, self.crop_size) if isinstance(self.crop_size, int) else self.crop_size
        crop(state, (state.width - width) // 2, (state.height - height) // 2, width, height)


def crop(state: PipelineState, left: int, top: int, width: int, height: int) -> None:
    """Crop the frame to a box whose corner is (left, top). All points move, including points that are 0.

    Coordinates become float64, as in PYSKL, which subtracts an int64 box.
    """
    x, y = state.coordinates()
    state.set_coordinates(_move(x, left), _move(y, top))
    state.width, state.height = width, height


def _move(values: Float, corner: int) -> Float:
    return values.astype(np.float64) - float(corner)
