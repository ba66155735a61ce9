"""Pipeline: a sequence of steps that turns clips into volumes to render."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import orjson

from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.errors import InputError
from heatsvc.pipeline.errors import PipelineError, step_field
from heatsvc.pipeline.steps.decompress_pose import DecompressPose
from heatsvc.pipeline.steps.generate_pose_target import GeneratePoseTarget
from heatsvc.pipeline.steps.step import MAX_SEED, PipelineState, Step
from heatsvc.pipeline.steps.uniform_sample_frames import UniformSampleFrames
from heatsvc.pose import PoseClip
from heatsvc.pose.plausibility import PlausibilityReport
from heatsvc.pose.select import MissingPoints, select_points
from heatsvc.volume import HeatmapVolume, Reduce

# Sampling one clip takes about as long as processing this many points.
_POINTS_PER_SAMPLING = 200
_NO_CONTEXT = nullcontext()
_MAX_TEXT_BYTES = 4 << 10


@dataclass(frozen=True)
class Pipeline:
    """A sequence of steps, whose order `parse_pipeline` has checked. Pipelines of equal steps and reduce are equal.

    Attributes:
        steps: the steps in their order.
        reduce: the reduction of the channels, see `HeatmapVolume`.
        name: of the preset whose steps they are; "" where they were given as a list.
    """

    steps: tuple[Step, ...]
    reduce: Reduce = "none"
    name: str = field(default="", compare=False)

    @cached_property
    def id(self) -> str:
        """The preset's name; of other steps the SHA-256 of their JSON: ``sha256:`` and 16 hexadecimal digits."""
        return self.name or f"sha256:{hashlib.sha256(self._json).hexdigest()[:16]}"

    @property
    def text(self) -> str:
        """The preset's name; of other steps their JSON, with all parameters, or if that is long the `id`."""
        return self.name or (self._json.decode() if len(self._json) <= _MAX_TEXT_BYTES else self.id)

    @cached_property
    def _json(self) -> bytes:
        return orjson.dumps([step.model_dump(mode="json") for step in self.steps])

    @cached_property
    def is_random(self) -> bool:
        """Whether a run with `test_mode` False depends on its seed."""
        return any(step.is_random for step in self.steps)

    @cached_property
    def _moves_points(self) -> bool:
        """Whether a step computes coordinates, which can overflow; if none does, `np.errstate` (9 µs) is skipped."""
        return not all(isinstance(step, GeneratePoseTarget) and step.scaling == 1 for step in self.steps)

    @cached_property
    def _step_sizes(self) -> tuple[list[tuple[int, int]], int]:
        """The number of frames (0: the clip's own) and of limbs of each step; and the work of sampling."""
        sizes, sampled, sampling = [], 0, 0
        for step in self.steps:
            limbs = len(step.skeletons or ()) if isinstance(step, GeneratePoseTarget) else 0
            sizes.append((sampled, limbs))
            if isinstance(step, UniformSampleFrames):
                sampled = step.clip_len * step.num_clips
                sampling += _POINTS_PER_SAMPLING * step.num_clips
        return sizes, sampling

    def estimate_work(self, clip: PoseClip, points: int) -> int:
        """Estimate how many points and limbs the steps process for a clip of which `points` points are selected.

        The number can be large even if the request is small.
        """
        persons, own = clip.keypoint.shape[:2]
        sizes, work = self._step_sizes
        for frames, limbs in sizes:
            work += persons * (frames or own) * (points + limbs)
        return work

    def resolve_seed(self, seed: int | None, *, test_mode: bool) -> int | None:
        """The seed of a run: `seed`, or a random one from the operating system if it is None.

        Returns:
            None if the result does not depend on the seed.

        Raises:
            PipelineError: NumPy's legacy generator does not accept the seed.
        """
        _check_seed(seed)
        if test_mode or not self.is_random:
            return None
        return secrets.randbits(32) if seed is None else seed

    def run(
        self, clip: PoseClip, *, test_mode: bool = True, seed: int | None = None, bounds: Bounds = DEFAULT_BOUNDS
    ) -> HeatmapVolume:
        """Run the steps on a clip. The clip's arrays are not modified, but the volume may share their memory.

        Args:
            clip: M persons, T frames, V keypoints.
            test_mode: deterministic, as in PYSKL's test mode: NumPy's legacy generator with seed 255.
            seed: seed of that generator if `test_mode` is False; None takes one from the operating system.
            bounds: limits of the volume.

        Raises:
            PipelineError: a step cannot process this clip; `field` says which, ``pipeline[2].scale``.
            LimitError: the number of frames, a map side or the volume exceeds a bound.
        """
        _check_seed(seed)
        state = PipelineState(clip.keypoint, clip.keypoint_score, *clip.img_shape, clip.layout, bounds, test_mode, seed)
        if clip.compressed is not None:
            state.compressed = clip.compressed
            if self.steps[0].role != "decompress":
                DecompressPose()(state)
        position = 0
        with np.errstate(over="raise", under="ignore") if self._moves_points else _NO_CONTEXT:
            try:
                for position, step in enumerate(self.steps):  # noqa: B007
                    step(state)
                return state.volume(self.reduce)
            except FloatingPointError:
                raise PipelineError(
                    "coordinates are too large for float32: write NaN or null for keypoints that were not detected",
                    field=step_field(position),
                ) from None
            except InputError as error:
                if error.field != "pipeline":
                    error.field = step_field(position, error.field)
                raise

    def describe_volumes(
        self,
        clips: Iterable[PoseClip],
        *,
        select: str | Sequence[int] | None = None,
        missing_points: MissingPoints = "missing",
        test_mode: bool = True,
        seed: int | None = None,
        report: PlausibilityReport | None = None,
        bounds: Bounds = DEFAULT_BOUNDS,
        token: CancelToken = NEVER_CANCELLED,
    ) -> list[HeatmapVolume]:
        """Select points of clips and run the steps on each clip, for `POST /heatmap` and `heatsvc.draw`.

        Args:
            clips: the clips.
            select, missing_points: the points to select, see `select_points`; None for all.
            test_mode: see `run`.
            report: checks the selected points of the clips before the steps; None skips the check.
            seed: seed of the first clip; clip i samples with seed + i, modulo 2**32. See `resolve_seed`.
            bounds: limits of each volume; max_unpacked_bytes also limits the total size of all volumes' points.
            token: checked before each clip.

        Raises:
            InputError: `select` or a step cannot process a clip, its numbers are impossible, or a bound is exceeded.
        """
        seed = self.resolve_seed(seed, test_mode=test_mode)
        volumes: list[HeatmapVolume] = []
        nbytes = 0
        for i, clip in enumerate(clips):
            token.raise_if_cancelled()
            selected = clip if select is None else select_points(clip, select, bounds, missing_points=missing_points)
            found = () if report is None else report.judge(selected, clip, i)
            clip_seed = None if seed is None else (seed + i) % (MAX_SEED + 1)
            volume = self.run(selected, test_mode=test_mode, seed=clip_seed, bounds=bounds)
            if report is not None:
                size, eps = (volume.height, volume.width), volume.gaussian.eps
                report.judge_volume(volume.keypoint, volume.keypoint_score, size, eps, selected, found)
            nbytes += volume.keypoint.nbytes + volume.keypoint_score.nbytes
            if nbytes > bounds.max_unpacked_bytes:
                what = "bytes of keypoints, sampled and selected"
                bounds.check("max_unpacked_bytes", nbytes, what, field="pipeline")
            volumes.append(volume)
        return volumes


def _check_seed(seed: int | None) -> None:
    if seed is not None and not 0 <= seed <= MAX_SEED:
        raise PipelineError(f"seed must be a whole number from 0 to {MAX_SEED}, not {seed}", field="seed")
