"""FormatShape: the order of the axes."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from heatsvc.pipeline.scene import Scene
from heatsvc.pipeline.step import Role, Step


class FormatShape(Step):
    """Clips first, [clips, K, T, H, W]; without this step frames come first, [T, K, H, W]."""

    role: ClassVar[Role] = "format"

    type: Literal["FormatShape"] = "FormatShape"
    input_format: Annotated[
        Literal["NCTHW_Heatmap"], Field(description="The form of a heatmap volume; the others are for pictures.")
    ]
    collapse: Annotated[Literal[False], Field(description="The axis of the clips stays, so only false.")] = False

    def __call__(self, scene: Scene) -> Scene:
        """One clip where nothing was sampled."""
        scene.clips = scene.num_clips or 1
        return scene
