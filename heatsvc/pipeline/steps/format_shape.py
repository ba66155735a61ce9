"""FormatShape: sets the order of the axes."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from heatsvc.pipeline.steps.step import PipelineState, Role, Step


class FormatShape(Step):
    """Changes the order of the axes from [T, K, H, W] to [clips, K, T, H, W]."""

    role: ClassVar[Role] = "format"

    type: Literal["FormatShape"] = "FormatShape"
    input_format: Annotated[
        Literal["NCTHW_Heatmap"], Field(description="Only `NCTHW_Heatmap`; other formats are for images.")
    ]
    collapse: Annotated[Literal[False], Field(description="Only false: the axis of clips is kept.")] = False

    def __call__(self, state: PipelineState) -> None:
        """Add the axis of clips, of length 1 if no clips were sampled."""
        state.clips = state.num_clips or 1
