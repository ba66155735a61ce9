"""HeatmapDataset and HeatmapSample: one split of an annotation pickle, for a DataLoader."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch.utils.data import Dataset, get_worker_info

from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.errors import InputError
from heatsvc.pipeline import Pipeline, PipelineSpec, parse_pipeline
from heatsvc.pipeline.steps.decompress_pose import DecompressPose
from heatsvc.pipeline.steps.step import MAX_SEED
from heatsvc.pipeline.steps.uniform_sample_frames import UniformSampleFrames
from heatsvc.pose import Layout, PoseClip, PoseError
from heatsvc.pose.findings import PlausibilityMode, check_interpretation
from heatsvc.pose.plausibility import PlausibilityReport
from heatsvc.pose.select import MissingPoints, select_points
from heatsvc.torch.annotations import Annotation, ClipDefaults, load_annotations
from heatsvc.volume import HeatmapVolume

LOCAL_BOUNDS = DEFAULT_BOUNDS.for_local_files()
"""Default bounds of a dataset."""

_TRAINING_PRESET = "posec3d-train"
# Large odd numbers, so that items and ranks get different seeds even if they sample the same number.
_INDEX_STRIDE, _RANK_STRIDE = 2_654_435_761, 2_246_822_519
# From this number of clips on, checking them takes a second or more.
_MANY = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class HeatmapSample:
    """A training sample before it is rendered: kilobytes of points instead of megabytes of pixels.

    Attributes:
        volume: the clip after all steps of its pipeline, T frames of V keypoints in pixels of the heatmap.
        label: the class index.
        frame_dir: the clip's name.
    """

    volume: HeatmapVolume
    label: int
    frame_dir: str


class HeatmapDataset(Dataset[HeatmapSample]):
    """The training samples of an annotation pickle, like PYSKL's and MMAction2's `PoseDataset`, but not rendered.

    An item is a `HeatmapSample`: the points after all steps of the pipeline, tens of kilobytes, so that DataLoader
    workers send little data. `HeatmapCollate` renders a batch of samples.

    Random steps (frame sampling, crop, flip) get a new seed for each item, from PyTorch's generator (in a DataLoader
    worker, the worker's), the item's index, and the rank of the process (from `torch.distributed`, or RANK in the
    environment). So epochs, items and ranks differ, even with persistent workers and if all ranks call
    `torch.manual_seed` with the same number. A run is reproducible for the same number of workers.

    All clips are checked when the pickle is opened, so that a clip that cannot be used is reported at once.

    Attributes:
        pipeline: the steps.
        test_mode: whether random steps are deterministic.
        labels: int64 [N], the class index of each clip.
        num_classes: number of classes of the whole pickle, the same for every split.
        frame_dirs: names of the N clips.
    """

    def __init__(
        self,
        pickle: str | os.PathLike[str],
        split: str | None,
        pipeline: PipelineSpec,
        *,
        select: str | Sequence[int] | None = None,
        missing_points: MissingPoints = "missing",
        test_mode: bool | None = None,
        img_shape: Sequence[int] | None = None,
        layout: str | None = None,
        coordinates: Literal["pixels", "normalized"] = "pixels",
        project: Literal["xy"] | None = None,
        plausibility: PlausibilityMode = "error",
        box_thr: float | None = None,
        generator: torch.Generator | None = None,
        bounds: Bounds = LOCAL_BOUNDS,
    ):
        """Read the pickle once, with the safe unpickler, which executes nothing in it.

        Args:
            pickle: path of the pickle. The arrays keep the file's data types, mostly float16; forked workers share
                them.
            split: a name in the pickle's `split`; None for all clips.
            pipeline: ``posec3d-train`` or another preset, or the steps of a PYSKL or MMAction2 config.
            select: a layout, whose points are selected by name before the first step; or points by index.
            missing_points: points of that layout that a clip lacks are not detected, or an error.
            test_mode: deterministic, as PYSKL tests. None decides by these rules, in this order: a preset is
                deterministic unless it is one for training; steps are where UniformSampleFrames has `test_mode`, as in
                MMAction2; steps are where no other step is random and the split's name has no "train" in it, as with
                PYSKL's lists for validation and test; all others are random.
            img_shape: (height, width), for annotations without it.
            layout: of the points, where it cannot be inferred from their number.
            coordinates: as of `heatsvc.draw`.
            project: as of `heatsvc.draw`.
            plausibility: as of `heatsvc.draw`.
            box_thr: of compressed annotations, rows whose `box_score` is lower are left out, as in PYSKL.
            generator: for the seeds without workers; None for PyTorch's default.
            bounds: how large the pickle and its clips may be.

        Raises:
            OSError: the pickle cannot be opened.
            InputError: the split does not exist, the file is not an annotation pickle, or the pipeline is invalid; a
                clip cannot be used, or has no label although `test_mode` is False. The message has the first such clip
                and the number of others.

        Warns:
            PlausibilityWarning: doubtful numbers, once for each kind, with the number of clips.
        """
        self.pipeline: Pipeline = parse_pipeline(pipeline)
        self.test_mode = _test_mode(pipeline, self.pipeline, split) if test_mode is None else test_mode
        self._select, self._missing_points = select, missing_points
        self._generator, self._bounds = generator, bounds
        interpretation = check_interpretation(coordinates, project, plausibility)
        self._options = ClipDefaults(img_shape, layout, interpretation, box_thr, bounds)
        self._annotations, self.num_classes = load_annotations(pickle, split, self._options)
        self.labels = torch.tensor([annotation.label for annotation in self._annotations])
        self.frame_dirs = [annotation.frame_dir for annotation in self._annotations]
        self._check_clips(plausibility)

    def __len__(self) -> int:
        return len(self._annotations)

    def __getitem__(self, index: int) -> HeatmapSample:
        """Clip `index` after the steps.

        Raises:
            IndexError: there is no such clip.
            TypeError: the index is a slice.
            InputError: the clip is invalid, or a step cannot process it; the message has the clip's name.
        """
        if isinstance(index, slice):
            raise TypeError(
                "a HeatmapDataset has no slices: use torch.utils.data.Subset(dataset, range(start, stop)) for a part, "
                "or a DataLoader with collate_fn=HeatmapCollate() for batches"
            )
        clip = self.clip(index)
        seed = self._seed(index % len(self)) if self.pipeline.is_random and not self.test_mode else None
        try:
            volume = self.pipeline.run(clip, test_mode=self.test_mode, seed=seed, bounds=self._bounds)
        except InputError as error:
            error.args = (f"{clip.frame_dir}: {error}",)
            raise
        return HeatmapSample(volume, self._annotations[index].label, clip.frame_dir)

    def clip(self, index: int) -> PoseClip:
        """Clip `index` before the steps, with its label and the selected points, decompressed: float32 [M, T, V, 2]."""
        clip = self._selected(self._annotations[index].clip(self._options))
        if clip.compressed is None:
            return clip
        first = self.pipeline.steps[0]
        step = first if isinstance(first, DecompressPose) else DecompressPose()
        keypoint, score = clip.compressed.decompress(
            clip.keypoint,
            clip.keypoint_score,
            squeeze=step.squeeze,
            max_person=step.max_person,
            bounds=self._bounds,
        )
        return replace(clip, keypoint=keypoint, keypoint_score=score, compressed=None)

    def _selected(self, clip: PoseClip) -> PoseClip:
        if self._select is None:
            return clip
        return select_points(clip, self._select, self._bounds, missing_points=self._missing_points)

    def _check_clips(self, plausibility: PlausibilityMode) -> None:
        """Build and check every clip once, which takes a few microseconds per thousand numbers.

        The steps are run on one clip of each layout.
        """
        report = PlausibilityReport(plausibility)
        first, others = None, 0
        tried: dict[tuple[Layout | None, int], str] = {}
        label_of: dict[str, int] = {}
        for annotation in _with_progress(self._annotations):
            try:
                if annotation.label < 0 and not self.test_mode:
                    raise PoseError(
                        "the clip has no label: training needs a class index, 0 or more; with `test_mode=True` clips "
                        "without one are rendered, with the label -1",
                        field="label",
                    )
                clip = annotation.clip(self._options)
                selected = self._selected(clip)
                report.judge(selected, clip)
                if (selected.layout, selected.points) not in tried:
                    self.pipeline.run(selected, test_mode=True, bounds=self._bounds)
                    tried[selected.layout, selected.points] = annotation.frame_dir
                    _check_points(tried)
            except InputError as error:
                if first is None:
                    first, first_name = error, annotation.frame_dir
                else:
                    others += 1
        if first is not None:
            name = "" if repr(first_name) in str(first) else f"{first_name}: "
            more = f" ({others:,} other clips of {len(self):,} cannot be used either)" if others else ""
            first.args = (f"{name}{first}{more}",)
            raise first
        for annotation in self._annotations:
            if label_of.setdefault(annotation.frame_dir, annotation.label) != annotation.label:
                warnings.warn(
                    f"{annotation.frame_dir!r} occurs twice, with the labels {label_of[annotation.frame_dir]} and "
                    f"{annotation.label}",
                    stacklevel=3,
                )
                break
        report.warn(stacklevel=3)

    def _seed(self, index: int) -> int:
        # A generator stored here would be copied to every worker, and all workers would have the same seeds.
        generator = self._generator if get_worker_info() is None else None
        drawn = int(torch.randint(MAX_SEED + 1, (), generator=generator))
        return (drawn + index * _INDEX_STRIDE + _rank() * _RANK_STRIDE) % (MAX_SEED + 1)


def _check_points(tried: Mapping[tuple[Layout | None, int], str]) -> None:
    """Check that all clips have the same number of points, which a batch needs.

    Raises:
        PoseError: two clips have different numbers of points.
    """
    (_, points), first = next(iter(tried.items()))
    for (_, others), name in tried.items():
        if others != points:
            raise PoseError(
                f"{name!r:.80} has {others} points, but {first!r:.80} has {points}, and a batch needs equal numbers: "
                "set `select` to a layout that both have",
                field="select",
            )


def _rank() -> int:
    """The rank of this process in distributed training; otherwise 0."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank()
    rank = os.environ.get("RANK", "0")
    return int(rank) if rank.isdecimal() and len(rank) < 10 else 0


def _with_progress(annotations: Sequence[Annotation]) -> Iterable[Annotation]:
    """Iterate over the annotations; if there are many, show a progress bar on a terminal."""
    if len(annotations) < _MANY or not sys.stderr.isatty():
        return annotations
    from rich.console import Console
    from rich.progress import track

    return track(annotations, "checking clips", console=Console(stderr=True), transient=True)


def _test_mode(spec: PipelineSpec, pipeline: Pipeline, split: str | None) -> bool:
    if isinstance(spec, str):
        return not spec.startswith(_TRAINING_PRESET)
    samplers = [step for step in pipeline.steps if isinstance(step, UniformSampleFrames)]
    if any(step.test_mode for step in samplers):
        return True
    others = any(step.is_random for step in pipeline.steps if step not in samplers)
    return not others and "train" not in (split or "")
