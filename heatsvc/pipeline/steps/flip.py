"""Flip: mirrors at random."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from heatsvc.pipeline.mirror import check_sides, mirror_points
from heatsvc.pipeline.steps.step import Ignored, Indices, NotLazy, PipelineState, Step


class Flip(Step):
    """Mirrors keypoints horizontally at random, and exchanges left and right ones."""

    type: Literal["Flip"] = "Flip"
    flip_ratio: Annotated[float, Field(ge=0, le=1, description="Probability of a flip.")] = 0.5
    direction: Annotated[Literal["horizontal"], Field(description="Only `horizontal`, as for keypoints in PYSKL.")] = (
        "horizontal"
    )
    flip_label_map: Annotated[Ignored, Field(description="Without effect: keypoints have no such labels.")] = None
    left_kp: Annotated[
        Indices | None, Field(description="Indices of the left keypoints; null for those of the clip's layout.")
    ] = None
    right_kp: Annotated[Indices | None, Field(description="The right keypoint for each of `left_kp`.")] = None
    lazy: NotLazy = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_sides(self.left_kp, self.right_kp, "kp")
        return self

    @property
    def is_random(self) -> bool:
        """Whether the probability is neither 0 nor 1."""
        return 0 < self.flip_ratio < 1

    def __call__(self, state: PipelineState) -> None:
        """Mirror the frame at random. A coordinate that is 0 counts as not detected and is kept.

        Raises:
            PipelineError: left_kp or right_kp has a keypoint that the clip lacks; or neither is given and the layout is
                unknown, even if the frame is not mirrored.
        """
        mirror = mirror_points(self.left_kp, self.right_kp, state.layout, state.points) if self.flip_ratio else []
        if not state.rng.rand() < self.flip_ratio:
            return
        x, y = state.coordinates()
        state.set_coordinates(np.where(x == 0, x, float(state.width) - x), y)
        state.take(mirror, axis=2)
