"""UniformSampleFrames: samples clips of a fixed length."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from heatsvc.bounds import BYTES_PER_POINT
from heatsvc.errors import LimitError
from heatsvc.pipeline.errors import PipelineError
from heatsvc.pipeline.steps.step import MAX_SEED, TEST_SEED, FloatPair, PipelineState, Role, Step

_MAX_OVERSAMPLING = 16  # The preset for testing samples ten clips; some more are allowed.


class UniformSampleFrames(Step):
    """Samples a frame from each of clip_len equal parts of the clip, num_clips times; needs a `PoseDecode` after it."""

    role: ClassVar[Role] = "sample"

    type: Literal["UniformSampleFrames"] = "UniformSampleFrames"
    clip_len: Annotated[int, Field(ge=1, le=10_000, description="Number of frames per clip.")]
    num_clips: Annotated[int, Field(ge=1, le=10_000, description="Number of clips.")] = 1
    p_interval: Annotated[
        Annotated[float, Field(gt=0, le=1)] | FloatPair,
        Field(description="Share of the frames to sample from, or [minimum, maximum] of a random share."),
    ] = 1.0
    seed: Annotated[int, Field(ge=0, le=MAX_SEED, description="Seed of the generator in test mode.")] = TEST_SEED
    test_mode: Annotated[
        bool | None,
        Field(description="MMAction2's test mode: makes a `HeatmapDataset` deterministic; ignored in requests."),
    ] = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        low, high = self._interval
        if not 0 < low <= high <= 1:
            raise PipelineError(
                f"p_interval must be a fraction, or [minimum, maximum], above 0 and at most 1, not [{low}, {high}]",
                field="p_interval",
            )
        return self

    @property
    def is_random(self) -> bool:
        """Always True."""
        return True

    def __call__(self, state: PipelineState) -> None:
        """Choose clip_len * num_clips of the clip's T frames, by index.

        In test mode the generator is seeded once for all clips, with this step's own seed.

        Raises:
            LimitError: there are more than 16 times `max_frames` frames, or more points than `max_unpacked_bytes`
                allows.
        """
        self._check_bounds(state)
        if state.test_mode:
            state.reseed(self.seed)
        clips = [self._clip(state, i) for i in range(self.num_clips)]
        state.frame_inds = np.concatenate(clips) if len(clips) > 1 else clips[0]
        state.num_clips = self.num_clips

    @property
    def _interval(self) -> tuple[float, float]:
        return (self.p_interval, self.p_interval) if isinstance(self.p_interval, float) else self.p_interval

    def _clip(self, state: PipelineState, i: int) -> npt.NDArray[np.int64]:
        """Frame indices [clip_len] of clip i; random numbers are used in PYSKL's order, so that frames are equal."""
        rng, total, length = state.rng, state.frames, self.clip_len
        low, high = self._interval
        count = int((rng.rand() * (high - low) + low) * total)
        first = rng.randint(total - count + 1)
        if count < length:
            if state.test_mode:
                start = i if count < self.num_clips else i * count // self.num_clips
            else:
                start = rng.randint(max(count, 1))
            frames = np.arange(start, start + length)
        elif count < 2 * length:
            # Which of the length + 1 gaps around the sampled frames skip a frame.
            gaps = np.zeros(length + 1, np.int64)
            gaps[rng.choice(length + 1, count - length, replace=False)] = 1
            frames = np.arange(length) + np.cumsum(gaps)[:-1]
        else:
            edges = np.arange(length + 1) * count // length
            frames = edges[:-1] + rng.randint(edges[1:] - edges[:-1])
        chosen: npt.NDArray[np.int64] = (frames + first) % total
        return chosen

    def _check_bounds(self, state: PipelineState) -> None:
        frames, bounds = self.clip_len * self.num_clips, state.bounds
        if frames > _MAX_OVERSAMPLING * bounds.max_frames:
            raise LimitError(
                f"{self.num_clips:,} clips of {self.clip_len:,} frames are {frames:,} frames, which is more than "
                f"{_MAX_OVERSAMPLING} times the limit of a clip",
                bound="max_frames",
                limit=bounds.max_frames,
                got=frames,
                field="clip_len",
            )
        size = state.keypoint_score.size // state.frames * frames * BYTES_PER_POINT
        bounds.check("max_unpacked_bytes", size, "bytes of sampled keypoints", field="clip_len")
