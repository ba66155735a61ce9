"""FormatShape: sets the order of the axes."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from heatsvc.pipeline.steps.step import PipelineState, Role, Step


class FormatShape(Step):
    """Sets the shape to [clips, K, T, H, W]; without this step it is [T, K, H, W]."""

    role: ClassVar[Role] = "format"

    type: Literal["FormatShape"] = "FormatShape"
    input_format: Annotated[
        Literal["NCTHW_Heatmap"],
        Field(description="The only format of heatmap volumes; PYSKL's others are for images."),
    ]
    collapse: Annotated[Literal[False], Field(description="Must be false: the axis of clips is kept.")] = False

    def __call__(self, state: PipelineState) -> None:
        """Add the axis of clips, of length 1 if no clips were sampled."""
        state.clips = state.num_clips or 1
