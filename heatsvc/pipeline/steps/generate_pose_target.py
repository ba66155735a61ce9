"""GeneratePoseTarget: what is drawn of the points, and how wide."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, PrivateAttr, model_validator

from heatsvc.pipeline.error import PipelineError
from heatsvc.pipeline.mirror import check_points, check_sides, mirror_points, swapped
from heatsvc.pipeline.scene import Scene, Target
from heatsvc.pipeline.step import Indices, Limbs, Role, Step
from heatsvc.pose.layouts import LAYOUTS, Layout, mirrored_limbs

_COCO17 = LAYOUTS["coco17"]
_CACHED_TARGETS = 64


class GeneratePoseTarget(Step):
    """Gaussian heatmaps of keypoints, of limbs, or of both: V + L channels, keypoints first."""

    role: ClassVar[Role] = "target"

    type: Literal["GeneratePoseTarget"] = "GeneratePoseTarget"
    sigma: Annotated[float, Field(ge=1e-3, le=1000, description="Of the Gaussian, in map pixels.")] = 0.6
    use_score: Annotated[bool, Field(description="Whether a point's peak is its score; else it is 1.")] = True
    with_kp: Annotated[bool, Field(description="Draw the V keypoints.")] = True
    with_limb: Annotated[bool, Field(description="Draw the limbs.")] = False
    skeletons: Annotated[
        Limbs | None, Field(description="The limbs, pairs of keypoints; null: those of the clip's layout.")
    ] = None
    double: Annotated[bool, Field(description="After all frames the same again, mirrored in x.")] = False
    left_kp: Annotated[
        Indices | None, Field(description="Left keypoints, for `double`; null: those of the clip's layout.")
    ] = None
    right_kp: Annotated[Indices | None, Field(description="The right partner of each of left_kp.")] = None
    left_limb: Annotated[
        Indices | None, Field(description="Left limbs, for `double`; null: found by mirroring the limbs' ends.")
    ] = None
    right_limb: Annotated[Indices | None, Field(description="The right partner of each of left_limb.")] = None
    scaling: Annotated[float, Field(gt=0, le=1000, description="Of map sides and coordinates before drawing.")] = 1.0
    eps: Annotated[
        float, Field(gt=0, le=1, description="Points of a smaller score are not drawn; MMAction2 has 1e-4.")
    ] = 1e-3

    _targets: dict[tuple[int, int], tuple[Layout | None, Target]] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not (self.with_kp or self.with_limb):
            raise PipelineError("with_kp or with_limb must be true: nothing would be drawn", field="with_kp")
        check_sides(self.left_kp, self.right_kp, "kp")
        check_sides(self.left_limb, self.right_limb, "limb")
        if self.skeletons == () and self.with_limb:
            raise PipelineError("skeletons names no limb, but with_limb is true", field="skeletons")
        return self

    def __call__(self, scene: Scene) -> Scene:
        """Scale the scene to the map and say what is drawn.

        Raises:
            PipelineError: a keypoint or limb is named that the clip has not, or the map has no pixels.
            LimitError: a map side above `max_map_side`.
        """
        if self.scaling != 1:
            x, y = scene.split()
            scene.place(x * self.scaling, y * self.scaling)
            scene.height, scene.width = int(scene.height * self.scaling + 0.5), int(scene.width * self.scaling + 0.5)
        if scene.height < 1 or scene.width < 1:
            raise PipelineError(
                f"the map would be {scene.height} x {scene.width} pixels: both sides must be 1 at least",
                field="scaling" if self.scaling != 1 else "",
            )
        if max(scene.height, scene.width) > scene.bounds.max_map_side:
            scene.bounds.check("max_map_side", max(scene.height, scene.width), "pixels for a side of the map", field="")
        if not self.use_score:
            x, _ = scene.split()
            scene.keypoint_score = (~np.isnan(x)).astype(np.float32)
        scene.target = self._target(scene.layout, scene.points)
        return scene

    def _target(self, layout: Layout | None, points: int) -> Target:
        """The channels, told once a layout: finding them takes longer than everything else here."""
        # Found by pydantic's way to a private attribute, this dictionary would take longer than all that it saves.
        targets = (self.__pydantic_private__ or {}).get("_targets", {})
        found: tuple[Layout | None, Target] | None = targets.get((id(layout), points))
        if found is None or found[0] is not layout:
            if len(targets) >= _CACHED_TARGETS:
                targets.clear()
            # An id may be given again, also in another process that a step was sent to: so the layout stays beside it.
            found = targets[id(layout), points] = (layout, self._find_target(layout, points))
        return found[1]

    def _find_target(self, layout: Layout | None, points: int) -> Target:
        limbs = self._limbs(layout, points) if self.with_limb else ()
        return Target(
            sigma=self.sigma,
            eps=self.eps,
            with_kp=self.with_kp,
            double=self.double,
            limbs=_int32(limbs).reshape(-1, 2),
            mirror=_int32(self._mirror(layout, points, limbs) if self.double else ()),
        )

    def _limbs(self, layout: Layout | None, points: int) -> tuple[tuple[int, int], ...]:
        limbs = (layout or _COCO17).limbs if self.skeletons is None else self.skeletons
        if not limbs:
            raise PipelineError(
                f"layout {layout.name if layout else ''} has no limbs: give skeletons", field="skeletons"
            )
        for limb in limbs:
            check_points(limb, points, "skeletons", given=self.skeletons is not None)
        return limbs

    def _mirror(self, layout: Layout | None, points: int, limbs: tuple[tuple[int, int], ...]) -> list[int]:
        """For each channel of the mirrored copy the channel whose image it is, K numbers."""
        explicit = self.left_limb is not None and self.right_limb is not None
        points_mirror: list[int] = []
        if self.with_kp or (limbs and not explicit):
            points_mirror = mirror_points(self.left_kp, self.right_kp, layout or _COCO17, points)
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
