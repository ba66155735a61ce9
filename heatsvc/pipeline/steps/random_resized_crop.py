"""RandomResizedCrop: crops to a random box."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from heatsvc.pipeline.errors import PipelineError
from heatsvc.pipeline.steps.center_crop import crop
from heatsvc.pipeline.steps.step import FloatPair, NotLazy, PipelineState, Step

_TRIES = 10
_MAX_SIDE = 2**31 - 1  # A box's sides are int32 in PYSKL.


class RandomResizedCrop(Step):
    """Crops to a random box; the size is set by a Resize after it."""

    type: Literal["RandomResizedCrop"] = "RandomResizedCrop"
    area_range: Annotated[
        FloatPair, Field(description="Area of the box as a share of the frame's area, [minimum, maximum].")
    ] = (
        0.08,
        1.0,
    )
    aspect_ratio_range: Annotated[
        FloatPair, Field(description="Ratio of width to height of the box, [minimum, maximum].")
    ] = (
        3 / 4,
        4 / 3,
    )
    lazy: NotLazy = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name, (low, high), limit in (
            ("area_range", self.area_range, 1),
            ("aspect_ratio_range", self.aspect_ratio_range, 1000),
        ):
            if not 0 < low <= high <= limit:
                raise PipelineError(
                    f"{name} must be [minimum, maximum], above 0 and at most {limit}, not [{low}, {high}]", field=name
                )
        return self

    @property
    def is_random(self) -> bool:
        """Always True: even a box of a fixed size has a random position."""
        return True

    def __call__(self, state: PipelineState) -> None:
        """Crop to the first of ten random boxes that fits into the frame; if none fits, to the center square.

        Sizes are sampled as in PYSKL. The corner is sampled with the same generator, while PYSKL uses Python's own
        generator without a seed.

        Raises:
            PipelineError: the frame is too large.
        """
        width, height, rng = state.width, state.height, state.rng
        if max(width, height) > _MAX_SIDE:
            raise PipelineError(f"a frame of {width:.0e} x {height:.0e} pixels is too large to crop")
        low, high = np.log(self.aspect_ratio_range)
        ratios = np.exp(rng.uniform(low, high, size=_TRIES))
        areas = rng.uniform(*self.area_range, size=_TRIES) * (width * height)
        for box_width, box_height in zip(
            np.round(np.sqrt(areas * ratios)), np.round(np.sqrt(areas / ratios)), strict=True
        ):
            if 1 <= box_width <= width and 1 <= box_height <= height:
                w, h = int(box_width), int(box_height)
                left = rng.randint(width - w + 1)
                crop(state, left, rng.randint(height - h + 1), w, h)
                return
        side = min(width, height)
        crop(state, (width - side) // 2, (height - side) // 2, side, side)
