"""Resize: scales the frame."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from heatsvc.pipeline.errors import PipelineError
from heatsvc.pipeline.steps.step import Ignored, IntPair, NotLazy, PipelineState, Step

_ANY = -1
_MAX_SIDE = 100_000


class Resize(Step):
    """Scales the frame and the keypoints."""

    type: Literal["Resize"] = "Resize"
    scale: Annotated[
        Annotated[float, Field(gt=0, le=1000)] | IntPair,
        Field(
            description="A factor, or [width, height] in pixels, into which the frame is fitted; with -1 for one of "
            "them, the other is the new length of the shorter side."
        ),
    ]
    keep_ratio: Annotated[
        bool, Field(description="Whether to keep the ratio of width to height; otherwise `scale` is the new size.")
    ] = True
    interpolation: Annotated[Ignored, Field(description="Ignored; it is for resizing images.")] = None
    lazy: NotLazy = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        if isinstance(self.scale, float):
            if not self.keep_ratio:
                raise PipelineError(
                    f"scale must be [width, height] if keep_ratio is false, not the factor {self.scale:g}",
                    field="scale",
                )
            return self
        width, height = self.scale
        if not all(side == _ANY or 1 <= side <= _MAX_SIDE for side in self.scale) or width == height == -1:
            raise PipelineError(
                f"scale must be [width, height] from 1 to {_MAX_SIDE:,} pixels, or -1 for one of them, "
                f"not [{width}, {height}]",
                field="scale",
            )
        if _ANY in self.scale and not self.keep_ratio:
            raise PipelineError("scale cannot have -1 if keep_ratio is false", field="scale")
        return self

    def __call__(self, state: PipelineState) -> None:
        """Scale frame and keypoints.

        Raises:
            PipelineError: a new side is shorter than half a pixel.
        """
        width, height = self._new_size(state.width, state.height)
        if width < 1 or height < 1:
            raise PipelineError(
                f"{state.width} x {state.height} pixels would become {width} x {height}: both sides must be at least 1",
                field="scale",
            )
        # The factor is float32, as in PYSKL. A crop's float64 coordinates stay float64.
        x, y = state.coordinates()
        state.set_coordinates(x * np.float32(width / state.width), y * np.float32(height / state.height))
        state.width, state.height = width, height

    def _new_size(self, width: int, height: int) -> tuple[int, int]:
        """New (width, height), rounded as in mmcv's `rescale_size`."""
        if not self.keep_ratio and not isinstance(self.scale, float):
            return self.scale
        factor = self._factor(width, height)
        return int(width * factor + 0.5), int(height * factor + 0.5)

    def _factor(self, width: int, height: int) -> float:
        if isinstance(self.scale, float):
            return self.scale
        # As in mmcv, the larger number limits the longer side, and their order does not matter.
        short, long = sorted(self.scale)
        if short == _ANY:
            return long / min(width, height)
        return min(long / max(width, height), short / min(width, height))
