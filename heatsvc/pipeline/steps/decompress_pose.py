"""DecompressPose: turns compressed keypoints into persons and frames."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from heatsvc.pipeline.steps.step import PipelineState, Role, Step


class DecompressPose(Step):
    """Turns compressed keypoints, which have one row per person and frame, into persons and frames.

    It does not change other keypoints. If a pipeline lacks this step, it is applied to compressed keypoints with its
    defaults.
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
        """Turn [1, N, V] into [M, T, V].

        Raises:
            PoseError: a coordinate is too large for float16, the type of PYSKL's arrays.
            LimitError: the result has more persons or bytes than `state.bounds` allow.
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
