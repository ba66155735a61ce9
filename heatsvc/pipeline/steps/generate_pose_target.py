"""GeneratePoseTarget: defines the heatmaps to render."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from heatsvc.pipeline.errors import PipelineError
from heatsvc.pipeline.mirror import check_points, check_sides, mirror_points, swapped
from heatsvc.pipeline.steps.step import Indices, Limbs, PipelineState, Role, Step, Target
from heatsvc.pose.layouts import Layout, mirrored_limbs
from heatsvc.volume import Gaussian

_CACHED_TARGETS = 64


class GeneratePoseTarget(Step):
    """Renders Gaussian heatmaps of keypoints, of limbs, or of both: V + L channels, keypoints first."""

    role: ClassVar[Role] = "target"

    type: Literal["GeneratePoseTarget"] = "GeneratePoseTarget"
    sigma: Annotated[
        float, Field(ge=1e-3, le=1000, description="Standard deviation of the Gaussian, in pixels of the map.")
    ] = 0.6
    use_score: Annotated[
        bool, Field(description="Whether the peak of a Gaussian is the score of its keypoint; otherwise it is 1.")
    ] = True
    with_kp: Annotated[bool, Field(description="Whether to render the V keypoints.")] = True
    with_limb: Annotated[bool, Field(description="Whether to render the limbs.")] = False
    skeletons: Annotated[
        Limbs | None, Field(description="The limbs, as pairs of keypoints; null for those of the clip's layout.")
    ] = None
    double: Annotated[bool, Field(description="Whether to append all frames again, mirrored horizontally.")] = False
    left_kp: Annotated[
        Indices | None, Field(description="Left keypoints, for `double`; null for those of the clip's layout.")
    ] = None
    right_kp: Annotated[Indices | None, Field(description="The right keypoint for each of `left_kp`.")] = None
    left_limb: Annotated[
        Indices | None,
        Field(description="Left limbs, for `double`; null to infer them from `left_kp` and `right_kp`."),
    ] = None
    right_limb: Annotated[Indices | None, Field(description="The right limb for each of `left_limb`.")] = None
    scaling: Annotated[
        float, Field(gt=0, le=1000, description="Factor for the size of the map and the coordinates.")
    ] = 1.0
    eps: Annotated[float, Field(gt=0, le=1, description="The lowest score that is rendered; 1e-4 in MMAction2.")] = 1e-3

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not (self.with_kp or self.with_limb):
            raise PipelineError("with_kp and with_limb are both false: one must be true", field="with_kp")
        check_sides(self.left_kp, self.right_kp, "kp")
        check_sides(self.left_limb, self.right_limb, "limb")
        if self.skeletons == () and self.with_limb:
            raise PipelineError("skeletons is empty: with with_limb it needs at least one limb", field="skeletons")
        return self

    def __call__(self, state: PipelineState) -> None:
        """Scale the frame to the map and set the target.

        Raises:
            PipelineError: a parameter has a keypoint or limb that the clip lacks, or the map has no pixels.
            LimitError: a map side exceeds `max_map_side`.
        """
        if self.scaling != 1:
            x, y = state.coordinates()
            state.set_coordinates(x * self.scaling, y * self.scaling)
            state.height, state.width = int(state.height * self.scaling + 0.5), int(state.width * self.scaling + 0.5)
        if state.height < 1 or state.width < 1:
            raise PipelineError(
                f"the map would be {state.height} x {state.width} pixels: both sides must be at least 1",
                field="scaling" if self.scaling != 1 else "",
            )
        if max(state.height, state.width) > state.bounds.max_map_side:
            state.bounds.check("max_map_side", max(state.height, state.width), "pixels for a side of the map", field="")
        if not self.use_score:
            x, _ = state.coordinates()
            state.keypoint_score = (~np.isnan(x)).astype(np.float32)
        state.target = self._target(state.layout, state.points)

    def _target(self, layout: Layout | None, points: int) -> Target:
        """The target for a layout. It is cached, since finding its channels takes most of this step's time."""
        found = self._targets.get((id(layout), points))
        if found is None or found[0] is not layout:
            if len(self._targets) >= _CACHED_TARGETS:
                self._targets.clear()
            # An id can be reused, also in another process that unpickled the step, so compare the layout too.
            found = self._targets[id(layout), points] = (layout, self._find_target(layout, points))
        return found[1]

    @cached_property
    def _targets(self) -> dict[tuple[int, int], tuple[Layout | None, Target]]:
        return {}

    def _find_target(self, layout: Layout | None, points: int) -> Target:
        limbs = self._limbs(layout, points) if self.with_limb else ()
        return Target(
            gaussian=Gaussian(self.sigma, self.eps),
            with_kp=self.with_kp,
            double=self.double,
            limbs=_int32(limbs).reshape(-1, 2),
            mirror=_int32(self._mirror(layout, points, limbs) if self.double else ()),
        )

    def _limbs(self, layout: Layout | None, points: int) -> tuple[tuple[int, int], ...]:
        limbs = self.skeletons
        if limbs is None:
            if layout is None:
                raise PipelineError(
                    f"the limbs of {points} points of an unknown layout are unknown: set layout, or skeletons",
                    field="skeletons",
                )
            limbs = layout.limbs
        if not limbs:
            name = layout.name if layout else ""
            raise PipelineError(f"layout {name} has no limbs: set skeletons", field="skeletons")
        for limb in limbs:
            check_points(limb, points, "skeletons")
        return limbs

    def _mirror(self, layout: Layout | None, points: int, limbs: tuple[tuple[int, int], ...]) -> list[int]:
        """The index of the mirror image of each of the mirrored copy's K channels."""
        explicit = self.left_limb is not None and self.right_limb is not None
        points_mirror: list[int] = []
        if self.with_kp or (limbs and not explicit):
            points_mirror = mirror_points(self.left_kp, self.right_kp, layout, points)
        if limbs and self.left_limb is not None and self.right_limb is not None:
            check_points(self.left_limb, len(limbs), "left_limb", what="limbs")
            check_points(self.right_limb, len(limbs), "right_limb", what="limbs")
            limbs_mirror = swapped(len(limbs), self.left_limb, self.right_limb)
        else:
            limbs_mirror = list(mirrored_limbs(limbs, points_mirror))
        first_limb = points if self.with_kp else 0
        return [*(points_mirror if self.with_kp else ()), *(first_limb + i for i in limbs_mirror)]


def _int32(values: object) -> npt.NDArray[np.int32]:
    array = np.array(values, np.int32)
    array.setflags(write=False)
    return array
