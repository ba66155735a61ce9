"""Facts: what is known of a dataset's videos once they were read. The report is made of them, and of nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from heatsvc.annotation.faults import Fault
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.pose.layouts import Layout

SCORE_BINS = 20
"""Bins of a score histogram, over [0, 1]; lower scores count in the first, higher ones in the last."""


@dataclass(frozen=True, slots=True)
class ClipStatistics:
    """One annotation of the pickle.

    Attributes:
        name: its `frame_dir`.
        label: class index.
        split: the split it is in.
        signer: who signs, "" where nobody knows.
        frames: T as written.
        frames_read: T of the file, before trimming; 0 for zeros.
        persons: M.
        undetected: points (of M*T*V) that were NaN and are written as zeros.
        digest: hash of the points written; equal for equal content, "" where all are zeros.
        zeros: whether it stands for a video without keypoints.
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


@dataclass(frozen=True, slots=True, eq=False)
class DatasetStatistics:
    """A whole dataset.

    Attributes:
        options: what was asked for.
        clips: every annotation, in the pickle's order.
        splits: names of the splits, in their order.
        classes: label strings by class index; "" at an index that has none.
        faults: everything found wrong, and what became of it.
        filtered: labelled videos that the filters left out, by the filter that did.
        files: keypoint files found.
        labelled: videos that labels know, after the filters.
        points: V as written.
        layout: what the points are, None where nobody knows.
        img_shape: (height, width) of most clips; (0, 0) where there is none.
        score_histogram: int64 [V, SCORE_BINS], how often each point had such a score.
        trimmed: videos that were cut to their last frames.
        seconds: how long it took.
    """

    options: AnnotationOptions
    clips: Sequence[ClipStatistics]
    splits: Sequence[str]
    classes: Sequence[str]
    faults: Sequence[Fault]
    filtered: Mapping[str, int]
    files: int
    labelled: int
    points: int
    layout: Layout | None
    img_shape: tuple[int, int]
    score_histogram: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, SCORE_BINS), np.int64))
    trimmed: int = 0
    seconds: float = 0.0
