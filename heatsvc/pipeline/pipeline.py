"""Pipeline: steps in a row, from a clip to what is to be drawn of it."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.errors import InputError
from heatsvc.pipeline.error import PipelineError
from heatsvc.pipeline.scene import Scene
from heatsvc.pipeline.step import Step
from heatsvc.pipeline.steps.generate_pose_target import GeneratePoseTarget
from heatsvc.pipeline.steps.uniform_sample_frames import UniformSampleFrames
from heatsvc.pose import PoseClip
from heatsvc.volume import HeatmapVolume, Reduce

# To sample a clip once takes about as long as to handle so many points.
_SAMPLING = 200
_AS_IT_IS = nullcontext()


@dataclass(frozen=True)
class Pipeline:
    """Steps that fit together (`parse_pipeline` makes sure). Two of equal steps and reduce are equal.

    Attributes:
        steps: in their order.
        reduce: what becomes of the channels, see `HeatmapVolume`.
    """

    steps: tuple[Step, ...]
    reduce: Reduce = "none"

    @cached_property
    def is_random(self) -> bool:
        """Whether a run with `test_mode` False draws random numbers, so that its seed matters."""
        return any(step.is_random for step in self.steps)

    @cached_property
    def _calculates(self) -> bool:
        """Whether a step moves points. Where none does, numbers cannot become too large; to say so takes 9 µs."""
        return not all(isinstance(step, GeneratePoseTarget) and step.scaling == 1 for step in self.steps)

    @cached_property
    def _loads(self) -> tuple[list[tuple[int, int]], int]:
        """For each step the frames that it finds, 0 for the clip's own, and limbs of each; and what sampling takes."""
        found, sampled, sampling = [], 0, 0
        for step in self.steps:
            limbs = len(step.skeletons or ()) if isinstance(step, GeneratePoseTarget) else 0
            found.append((sampled, limbs))
            if isinstance(step, UniformSampleFrames):
                sampled = step.clip_len * step.num_clips
                sampling += _SAMPLING * step.num_clips
        return found, sampling

    def load(self, clip: PoseClip, points: int) -> int:
        """About how many points and limbs the steps handle, for a clip with `points` of its points selected.

        A few bytes of a request can make them many.
        """
        persons, own = clip.keypoint.shape[:2]
        found, handled = self._loads
        for frames, limbs in found:
            handled += persons * (frames or own) * (points + limbs)
        return handled

    def run(
        self, clip: PoseClip, *, test_mode: bool = True, seed: int | None = None, bounds: Bounds = DEFAULT_BOUNDS
    ) -> HeatmapVolume:
        """Take a clip through the steps. The clip's arrays are not written to, but the volume may share them.

        Args:
            clip: M persons, T frames, V keypoints.
            test_mode: deterministic, as PYSKL tests: NumPy's legacy generator seeded 255.
            seed: of that generator where `test_mode` is False; None draws from the operating system.
            bounds: what the volume is held to.

        Raises:
            PipelineError: a step cannot be done with this clip; `field` says which, ``pipeline[2].scale``.
            LimitError: frames, a map side or the volume are above a bound.
        """
        scene = Scene.of(clip, bounds=bounds, test_mode=test_mode, seed=seed)
        position = 0
        with np.errstate(over="raise", under="ignore") if self._calculates else _AS_IT_IS:
            try:
                for position, step in enumerate(self.steps):  # noqa: B007
                    scene = step(scene)
                return scene.volume(self.reduce)
            except FloatingPointError:
                raise PipelineError(
                    "keypoints lie so far away that float32 cannot tell the place: leave them out, as NaN or null",
                    field=step_field(position, None),
                ) from None
            except InputError as error:
                if error.field != "pipeline":
                    error.field = step_field(position, error.field)
                raise


def step_field(position: int, parameter: str | None) -> str:
    """``pipeline[2].scale``, or ``pipeline[2]`` without a parameter."""
    return f"pipeline[{position}].{parameter}" if parameter else f"pipeline[{position}]"
