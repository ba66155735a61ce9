"""Statistics of a dataset's clips, from which the report is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from heatsvc.annotation.faults import Fault
from heatsvc.annotation.labels.labels import LabelSource
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.kernels import KERNELS
from heatsvc.pose.findings import Code
from heatsvc.pose.layouts import Layout
from heatsvc.provenance import metadata

SCORE_BINS = 20
"""Number of bins of a score histogram over [0, 1]; lower scores count in the first bin, higher ones in the last."""


@dataclass(frozen=True, slots=True)
class ClipStatistics:
    """Statistics of one annotation of the pickle.

    Attributes:
        name: its `frame_dir`.
        label: class index.
        split: its split.
        signer: the signer; "" if unknown.
        frames: T as written.
        frames_read: T of the file, before trimming; 0 for zeros.
        persons: M.
        undetected: number of points (of M*T*V) that were NaN and are written as zeros.
        digest: hash of the written points; "" if all are zeros.
        zeros: whether it replaces a video without keypoints.
        findings: code and detail of doubtful numbers, the worst first.
    """

    name: str
    label: int
    split: str
    signer: str = ""
    frames: int = 0
    frames_read: int = 0
    persons: int = 1
    undetected: int = 0
    digest: str = ""
    zeros: bool = False
    findings: tuple[tuple[Code, str], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class DatasetStatistics:
    """Statistics of a dataset.

    Attributes:
        options: the dataset's options.
        clips: all annotations, in the pickle's order.
        splits: names of the splits, in their order.
        classes: labels by class index; "" for an index without a label.
        faults: all faults, and what was done with the videos.
        filtered: number of labeled videos that each filter excludes.
        files: number of keypoint files.
        labeled: number of videos in the labels, after the filters.
        points: V as written.
        layout: layout of the points; None if unknown.
        img_shape: the most frequent (height, width); (0, 0) if there is none.
        score_histogram: int64 [V, SCORE_BINS], histogram of the scores of each point.
        trimmed: number of videos that were cut to their last frames.
        seconds: duration of the build.
        sources: the detected format of each label file.
        split_column: the column of the label tables that defines the splits; None if something else does.
        assumed: split files whose encoding was assumed.
        mismatch: why no labeled video has a keypoint file and a split; "" if some have.
        notes: assumptions that were made, and files that were ignored, as sentences.
    """

    options: AnnotationOptions
    clips: Sequence[ClipStatistics]
    splits: Sequence[str]
    classes: Sequence[str]
    faults: Sequence[Fault]
    filtered: Mapping[str, int]
    files: int
    labeled: int
    points: int
    layout: Layout | None
    img_shape: tuple[int, int]
    score_histogram: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, SCORE_BINS), np.int64))
    trimmed: int = 0
    seconds: float = 0.0
    sources: Sequence[LabelSource] = ()
    split_column: str | None = None
    assumed: Sequence[str] = ()
    mismatch: str = ""
    notes: Sequence[str] = ()

    @property
    def provenance(self) -> dict[str, str]:
        """What made the dataset: see `heatsvc.provenance.metadata`. The pipelines are those of the training configs."""
        split = self.options.split or {}
        seed = split.get("seed", 0) if "random" in split else None
        return metadata(KERNELS.name, ", ".join(training_presets()), seed)


def training_presets(*, limbs: bool = False) -> tuple[str, str, str]:
    """The presets whose pipelines training configs have: to train, to validate, to test."""
    suffix = "-limb" if limbs else ""
    return f"posec3d-train{suffix}", f"posec3d-val{suffix}", f"posec3d-test{suffix}"
