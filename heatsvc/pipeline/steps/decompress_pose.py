"""DecompressPose: compressed keypoints as persons and frames."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from heatsvc.pipeline.steps.step import PipelineState, Role, Step


class DecompressPose(Step):
    """Turns compressed keypoints, a row per person and frame with its `frame_inds`, into persons and frames.

    Other keypoints stay as they are. Compressed ones go through it, with its defaults, where a pipeline lacks it.
    """

    role: ClassVar[Role] = "decompress"

    type: Literal["DecompressPose"] = "DecompressPose"
    squeeze: Annotated[
        bool, Field(description="Whether frames without a person are left out; otherwise they are empty.")
    ] = True
    max_person: Annotated[
        int, Field(ge=1, le=10_000, description="The most persons per frame; those with the highest scores are kept.")
    ] = 10

    def __call__(self, state: PipelineState) -> None:
        """[1, N, V] becomes [M, T, V].

        Raises:
            PoseError: coordinates beyond the largest float16, which PYSKL's arrays are.
            LimitError: more persons or bytes than `state.bounds` allow.
        """
        if state.compressed is not None and state.keypoint is not None:
            state.keypoint, state.keypoint_score = state.compressed.decompress(
                state.keypoint,
                state.keypoint_score,
                squeeze=self.squeeze,
                max_person=self.max_person,
                bounds=state.bounds,
            )
            if self.squeeze:
                state.source_frames = np.unique(state.compressed.frame_inds)
            state.compressed = None
