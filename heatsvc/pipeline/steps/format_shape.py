"""FormatShape: the order of the axes."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from heatsvc.pipeline.steps.step import PipelineState, Role, Step


class FormatShape(Step):
    """Clips first, [clips, K, T, H, W]; without this step frames come first, [T, K, H, W]."""

    role: ClassVar[Role] = "format"

    type: Literal["FormatShape"] = "FormatShape"
    input_format: Annotated[
        Literal["NCTHW_Heatmap"], Field(description="The format of heatmap volumes; the others are for images.")
    ]
    collapse: Annotated[Literal[False], Field(description="The axis of clips is kept, so only false.")] = False

    def __call__(self, state: PipelineState) -> None:
        """Add the axis of clips: one clip where nothing was sampled."""
        state.clips = state.num_clips or 1
