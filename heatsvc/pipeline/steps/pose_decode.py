"""PoseDecode: takes the sampled frames."""

from __future__ import annotations

from typing import ClassVar, Literal

from heatsvc.pipeline.steps.step import PipelineState, Role, Step


class PoseDecode(Step):
    """Takes the frames that UniformSampleFrames chose, or all frames without that step."""

    role: ClassVar[Role] = "decode"

    type: Literal["PoseDecode"] = "PoseDecode"

    def __call__(self, state: PipelineState) -> None:
        """Turn [M, T, V] into [M, T', V]."""
        if state.frame_inds is not None:
            state.take(state.frame_inds, axis=1)
            sources = state.source_frames
            state.source_frames = state.frame_inds if sources is None else sources[state.frame_inds]
            state.frame_inds = None
