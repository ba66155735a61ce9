"""HeatmapDataset: one split of an annotation pickle, for a DataLoader."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch.utils.data import Dataset, get_worker_info

from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.errors import InputError
from heatsvc.pipeline import Pipeline, PipelineSpec, parse_pipeline
from heatsvc.pipeline.state import MAX_SEED
from heatsvc.pipeline.steps.uniform_sample_frames import UniformSampleFrames
from heatsvc.pose import PoseClip
from heatsvc.pose.select import select_points
from heatsvc.torch.annotations import load_annotations
from heatsvc.torch.sample import HeatmapSample

OWN_FILE = replace(DEFAULT_BOUNDS, max_pickle_objects=200_000_000, max_clips=10_000_000)
"""Bounds of one's own file on one's own machine: KETI has two million objects."""

_FOR_TRAINING = "posec3d-train"


class HeatmapDataset(Dataset[HeatmapSample]):
    """Training samples of an annotation pickle, as PYSKL's and MMAction2's `PoseDataset` gives them, but not drawn.

    An item is a `HeatmapSample`: points behind all steps of the pipeline, a few kilobytes, so that loader workers send
    next to nothing. `HeatmapCollate` draws a batch of them.

    Random steps (frame sampling, crop, flip) draw a seed for each item from PyTorch's generator, in a loader's worker
    from the worker's. So every epoch and every item differs, with persistent workers too, and a run repeats itself
    after `torch.manual_seed`, or with a DataLoader's `generator`, for the same number of workers.

    Attributes:
        pipeline: the steps.
        test_mode: whether they are deterministic.
        labels: int64 [N], the class index of each clip.
        num_classes: of the whole pickle, whatever the split.
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
        """Read the pickle, once and through the safe reader; nothing in it is executed.

        Args:
            pickle: its path. The arrays are held as they lie there, float16 mostly; forked workers share them.
            split: a name in the pickle's `split`; None for all clips.
            pipeline: ``posec3d-train`` or another preset, or the steps of a PYSKL or MMAction2 config.
            select: a smaller layout, or points by position, taken before the first step.
            test_mode: deterministic, as PYSKL tests. None: for presets all but those for training; for steps what
                their UniformSampleFrames says, as in MMAction2.
            layout: what the points are, where their number does not tell.
            generator: for the seeds where no workers are used; None for PyTorch's own.
            bounds: how large the pickle and its clips may be.

        Raises:
            OSError: the pickle cannot be opened.
            InputError: it cannot be used: no such split, no label, another kind of file; or the pipeline cannot.
        """
        self.pipeline: Pipeline = parse_pipeline(pipeline)
        self.test_mode = _test_mode(pipeline, self.pipeline) if test_mode is None else test_mode
        self._select, self._layout, self._generator, self._bounds = select, layout, generator, bounds
        loaded = load_annotations(pickle, split, bounds)
        self._annotations = loaded.chosen
        self.num_classes = loaded.num_classes
        self.labels = torch.tensor([annotation.label for annotation in loaded.chosen])
        self.frame_dirs = [annotation.frame_dir for annotation in loaded.chosen]

    def __len__(self) -> int:
        """N."""
        return len(self._annotations)

    def __getitem__(self, index: int) -> HeatmapSample:
        """Clip `index` behind the steps.

        Raises:
            IndexError: there are not so many.
            InputError: the clip cannot be used, or a step cannot be done with it; the message names the clip.
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
        """Clip `index` before the steps, its points selected: float32 [M, T, V, 2], with its label."""
        clip = self._annotations[index].clip(self._layout, self._bounds)
        return clip if self._select is None else select_points(clip, self._select, self._bounds)

    def _seed(self) -> int:
        # A generator of ours would be copied into every worker, and all would draw the same.
        generator = self._generator if get_worker_info() is None else None
        return int(torch.randint(MAX_SEED + 1, (), generator=generator))


def _test_mode(given: PipelineSpec, pipeline: Pipeline) -> bool:
    if isinstance(given, str):
        return not given.startswith(_FOR_TRAINING)
    return any(isinstance(step, UniformSampleFrames) and step.test_mode for step in pipeline.steps)
