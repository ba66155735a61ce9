"""CenterCrop: the middle of the frame."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from heatsvc.pipeline.scene import Float, Scene
from heatsvc.pipeline.step import LIST, NotLazy, Step

Side = Annotated[int, Field(ge=1, le=100_000)]


class CenterCrop(Step):
    """The frame becomes its own middle; where it is smaller than that it gets a margin."""

    type: Literal["CenterCrop"] = "CenterCrop"
    crop_size: Annotated[
        Side | Annotated[tuple[Side, Side], LIST],
        Field(description="[width, height] in pixels, or one number for both."),
    ]
    lazy: NotLazy = False

    def __call__(self, scene: Scene) -> Scene:
        """Crop the scene; the margin's points keep their places."""
        width, height = (self.crop_size, self.crop_size) if isinstance(self.crop_size, int) else self.crop_size
        return crop(scene, (scene.width - width) // 2, (scene.height - height) // 2, width, height)


def crop(scene: Scene, left: int, top: int, width: int, height: int) -> Scene:
    """The scene in the box whose corner is (left, top); all points move, those that are 0 too.

    Coordinates become float64, as PYSKL's do where it subtracts a box of int64.
    """
    x, y = scene.split()
    scene.place(_move(x, left), _move(y, top))
    scene.width, scene.height = width, height
    return scene


def _move(values: Float, corner: int) -> Float:
    return values.astype(np.float64) - float(corner)
