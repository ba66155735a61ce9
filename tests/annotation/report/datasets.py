"""Facts of small datasets, as a build would find them."""

from __future__ import annotations

import numpy as np

from heatsvc.annotation.faults import Fault
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.statistics import SCORE_BINS, ClipStatistics, DatasetStatistics
from heatsvc.pose.layouts import get_layout

FAULTS = (
    Fault("no_file", "KETI_4", "labelled 논, but no file has its name", None, "zeros"),
    Fault("cut_short", "KETI_9", "the header promises 1,000 bytes, and 800 are there", "k/KETI_9.npy", "dropped"),
    Fault("cut_short", "KETI_8", "the header promises 1,000 bytes, and 700 are there", "k/KETI_8.npy", "dropped"),
    Fault("in_two_splits", "KETI_1", "in train and in test", "split.json", "kept"),
    Fault("unlabelled", "KETI_7", "no label", "k/KETI_7.npy", "dropped"),
)

CLIPS = (
    ClipStatistics("KETI_1", 0, "train", "11", 100, 100, 1, 0, "aa"),
    ClipStatistics("KETI_2", 0, "train", "11", 110, 130, 1, 3, "bb"),
    ClipStatistics("KETI_3", 1, "train", "1", 120, 120, 2, 0, "cc"),
    ClipStatistics("KETI_4", 1, "train", "12", 110, 0, zeros=True),
    ClipStatistics("KETI_5", 0, "test", "1", 230, 230, 1, 0, "aa"),
    ClipStatistics("KETI_6", 0, "test", "2", 230, 230, 1, 0, "dd"),
)


def dataset(**changes) -> DatasetStatistics:
    histogram = np.zeros((27, SCORE_BINS), np.int64)
    histogram[:, 18] = 100
    histogram[26, :] = [50, *[0] * 18, 50]
    given = {
        "options": AnnotationOptions(),
        "clips": CLIPS,
        "splits": ("train", "test"),
        "classes": ("10", "논", "", "화재"),
        "faults": FAULTS,
        "filtered": {"types": 5},
        "files": 8,
        "labelled": 6,
        "points": 27,
        "layout": get_layout("sign27"),
        "img_shape": (1080, 1920),
        "score_histogram": histogram,
        "trimmed": 1,
        "seconds": 1.23456,
    }
    return DatasetStatistics(**{**given, **changes})


def empty() -> DatasetStatistics:
    return dataset(
        clips=(),
        splits=(),
        classes=(),
        faults=(),
        filtered={},
        layout=None,
        points=0,
        files=0,
        labeled=0,
        trimmed=0,
        img_shape=(0, 0),
        score_histogram=np.zeros((0, SCORE_BINS), np.int64),
    )
