"""Flip: the mirror image."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from heatsvc.pipeline.mirror import check_sides, mirror_points
from heatsvc.pipeline.scene import Scene
from heatsvc.pipeline.step import Ignored, Indices, NotLazy, Step


class Flip(Step):
    """With a probability: keypoints are mirrored in x, and left and right ones change names."""

    type: Literal["Flip"] = "Flip"
    flip_ratio: Annotated[float, Field(ge=0, le=1, description="The probability.")] = 0.5
    direction: Annotated[
        Literal["horizontal"], Field(description="Only horizontal: keypoints have no vertical flip in PYSKL either.")
    ] = "horizontal"
    flip_label_map: Annotated[Ignored, Field(description="Of labels; keypoints have none.")] = None
    left_kp: Annotated[Indices | None, Field(description="Left keypoints; null: those of the clip's layout.")] = None
    right_kp: Annotated[Indices | None, Field(description="The right partner of each of left_kp.")] = None
    lazy: NotLazy = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_sides(self.left_kp, self.right_kp, "kp")
        return self

    @property
    def is_random(self) -> bool:
        """Where the probability is neither 0 nor 1."""
        return 0 < self.flip_ratio < 1

    def __call__(self, scene: Scene) -> Scene:
        """Mirror the scene, or not. A coordinate that is 0 was not detected and stays.

        Without left_kp and right_kp, and where the layout is unknown, no points change places (PYSKL's default).

        Raises:
            PipelineError: a keypoint is named that the clip has not.
        """
        if not scene.rng.rand() < self.flip_ratio:
            return scene
        x, y = scene.split()
        scene.place(np.where(x == 0, x, float(scene.width) - x), y)
        scene.take(mirror_points(self.left_kp, self.right_kp, scene.layout, scene.points), axis=2)
        return scene
