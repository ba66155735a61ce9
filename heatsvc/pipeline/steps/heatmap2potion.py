"""Heatmap2Potion: turns a clip into one image."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from heatsvc.pipeline.steps.step import PipelineState, Role, Step
from heatsvc.volume import Potion


class Heatmap2Potion(Step):
    """Sums the frames of a clip, colored by their time: PoTion (Choutas et al., CVPR 2018)."""

    role: ClassVar[Role] = "format"

    type: Literal["Heatmap2Potion"] = "Heatmap2Potion"
    C: Annotated[int, Field(ge=2, le=64, description="The number of colors.")]
    option: Annotated[
        Literal["U", "N", "I", "full"],
        Field(description="`U`: the colored sums; `N`: U divided by I; `I`: the intensity; `full`: all three."),
    ] = "full"

    def __call__(self, state: PipelineState) -> None:
        """Make one image per sampled clip, or one of all frames if no clips were sampled."""
        state.clips = state.num_clips
        state.potion = Potion(self.C, self.option)
