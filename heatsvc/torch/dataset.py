"""HeatmapDataset and HeatmapSample: one split of an annotation pickle, for a DataLoader."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch.utils.data import Dataset, get_worker_info

from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.errors import InputError
from heatsvc.pipeline import Pipeline, PipelineSpec, parse_pipeline
from heatsvc.pipeline.steps.step import MAX_SEED
from heatsvc.pipeline.steps.uniform_sample_frames import UniformSampleFrames
from heatsvc.pose import PoseClip
from heatsvc.pose.select import select_points
from heatsvc.torch.annotations import load_annotations
from heatsvc.volume import HeatmapVolume

OWN_FILE = replace(DEFAULT_BOUNDS, max_pickle_objects=200_000_000, max_clips=10_000_000)
"""Bounds for local files: KETI's pickle has two million objects."""

_TRAINING_PRESET = "posec3d-train"


@dataclass(frozen=True, slots=True, eq=False)
class HeatmapSample:
    """A training sample before it is rendered: kilobytes of points, where the rendered volume has megabytes.

    Attributes:
        volume: the clip after all steps of its pipeline, T frames of V keypoints in map pixels.
        label: the class index.
        frame_dir: the clip's name.
    """

    volume: HeatmapVolume
    label: int
    frame_dir: str


class HeatmapDataset(Dataset[HeatmapSample]):
    """Training samples of an annotation pickle, as of PYSKL's and MMAction2's `PoseDataset`, but not rendered.

    An item is a `HeatmapSample`: points after all steps of the pipeline, a few kilobytes, so that DataLoader workers
    send little. `HeatmapCollate` renders a batch of them.

    Random steps (frame sampling, crop, flip) take a seed for each item from PyTorch's generator, in a DataLoader worker
    from the worker's. So every epoch and every item differs, with persistent workers too, and a run is reproducible
    with `torch.manual_seed`, or with a DataLoader's `generator`, for the same number of workers.

    Attributes:
        pipeline: the steps.
        test_mode: whether they are deterministic.
        labels: int64 [N], the class index of each clip.
        num_classes: of the whole pickle, for every split.
        frame_dirs: N names.
    """

    def __init__(
        self,
        pickle: str | os.PathLike[str],
        split: str | None,
        pipeline: PipelineSpec,
        *,
        select: str | Sequence[int] | None = None,
        test_mode: bool | None = None,
        layout: str | None = None,
        generator: torch.Generator | None = None,
        bounds: Bounds = OWN_FILE,
    ):
        """Read the pickle once, with the safe unpickler; nothing in it is executed.

        Args:
            pickle: its path. The arrays are kept in the file's types, mostly float16; forked workers share them.
            split: a name in the pickle's `split`; None for all clips.
            pipeline: ``posec3d-train`` or another preset, or the steps of a PYSKL or MMAction2 config.
            select: a smaller layout, or points by index, selected before the first step.
            test_mode: deterministic, as PYSKL tests. None: True for presets but those for training; for steps that of
                their UniformSampleFrames, as in MMAction2.
            layout: of the points, where it cannot be inferred from their number.
            generator: for the seeds without workers; None for PyTorch's default.
            bounds: how large the pickle and its clips may be.

        Raises:
            OSError: the pickle cannot be opened.
            InputError: no such split, no label, not an annotation pickle; or an invalid pipeline.
        """
        self.pipeline: Pipeline = parse_pipeline(pipeline)
        self.test_mode = _test_mode(pipeline, self.pipeline) if test_mode is None else test_mode
        self._select, self._layout, self._generator, self._bounds = select, layout, generator, bounds
        self._annotations, self.num_classes = load_annotations(pickle, split, bounds)
        self.labels = torch.tensor([annotation.label for annotation in self._annotations])
        self.frame_dirs = [annotation.frame_dir for annotation in self._annotations]

    def __len__(self) -> int:
        return len(self._annotations)

    def __getitem__(self, index: int) -> HeatmapSample:
        """Clip `index` after the steps.

        Raises:
            IndexError: there are fewer.
            InputError: the clip is invalid, or a step cannot process it; the message has the clip's name.
        """
        clip = self.clip(index)
        seed = self._seed() if self.pipeline.is_random and not self.test_mode else None
        try:
            volume = self.pipeline.run(clip, test_mode=self.test_mode, seed=seed, bounds=self._bounds)
        except InputError as error:
            error.args = (f"{clip.frame_dir}: {error}",)
            raise
        return HeatmapSample(volume, self._annotations[index].label, clip.frame_dir)

    def clip(self, index: int) -> PoseClip:
        """Clip `index` before the steps, with selected points: float32 [M, T, V, 2], with its label."""
        clip = self._annotations[index].clip(self._layout, self._bounds)
        return clip if self._select is None else select_points(clip, self._select, self._bounds)

    def _seed(self) -> int:
        # A generator of our own would be copied to every worker, and all would have the same seeds.
        generator = self._generator if get_worker_info() is None else None
        return int(torch.randint(MAX_SEED + 1, (), generator=generator))


def _test_mode(spec: PipelineSpec, pipeline: Pipeline) -> bool:
    if isinstance(spec, str):
        return not spec.startswith(_TRAINING_PRESET)
    return any(isinstance(step, UniformSampleFrames) and step.test_mode for step in pipeline.steps)
