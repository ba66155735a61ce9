"""Resize: the frame gets another size."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from heatsvc.pipeline.error import PipelineError
from heatsvc.pipeline.scene import Scene
from heatsvc.pipeline.step import Ignored, IntPair, NotLazy, Step

_AS_NEEDED = -1
_MAX_SIDE = 100_000


class Resize(Step):
    """Frame and keypoints are scaled, each axis by its own new side over the old one."""

    type: Literal["Resize"] = "Resize"
    scale: Annotated[
        Annotated[float, Field(gt=0, le=1000)] | IntPair,
        Field(
            description="A factor, or [width, height] in pixels: the frame becomes as large as fits in; "
            "one of the two may be -1, as needed: [-1, 64] makes the short side 64."
        ),
    ]
    keep_ratio: Annotated[
        bool, Field(description="Whether width and height keep their ratio; else scale is the new size itself.")
    ] = True
    interpolation: Annotated[Ignored, Field(description="How pictures are resized; keypoints need none.")] = None
    lazy: NotLazy = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        if isinstance(self.scale, float):
            if not self.keep_ratio:
                raise PipelineError(
                    f"scale must be [width, height] where keep_ratio is false, not the factor {self.scale:g}",
                    field="scale",
                )
            return self
        width, height = self.scale
        if not all(side == _AS_NEEDED or 1 <= side <= _MAX_SIDE for side in self.scale) or width == height == -1:
            raise PipelineError(
                f"scale must be [width, height] from 1 to {_MAX_SIDE:,} pixels, one of them -1 for 'as needed', "
                f"not [{width}, {height}]",
                field="scale",
            )
        if _AS_NEEDED in self.scale and not self.keep_ratio:
            raise PipelineError("scale cannot hold -1, 'as needed', where keep_ratio is false", field="scale")
        return self

    def __call__(self, scene: Scene) -> Scene:
        """Scale the scene.

        Raises:
            PipelineError: a new side is shorter than half a pixel.
        """
        width, height = self._new_size(scene.width, scene.height)
        if width < 1 or height < 1:
            raise PipelineError(
                f"{scene.width} x {scene.height} pixels would become {width} x {height}: no side may vanish",
                field="scale",
            )
        # The factor is float32, as the ground truth's. A crop's float64 coordinates stay float64.
        x, y = scene.split()
        scene.place(x * np.float32(width / scene.width), y * np.float32(height / scene.height))
        scene.width, scene.height = width, height
        return scene

    def _new_size(self, width: int, height: int) -> tuple[int, int]:
        """New (width, height), rounded as mmcv's `rescale_size` rounds."""
        if not self.keep_ratio and not isinstance(self.scale, float):
            return self.scale
        factor = self._factor(width, height)
        return int(width * factor + 0.5), int(height * factor + 0.5)

    def _factor(self, width: int, height: int) -> float:
        if isinstance(self.scale, float):
            return self.scale
        # Which of the two is the width makes no difference to mmcv: the longer one bounds the longer side.
        short, long = sorted(self.scale)
        if short == _AS_NEEDED:
            return long / min(width, height)
        return min(long / max(width, height), short / min(width, height))
