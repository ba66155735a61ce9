"""Faults: problems with single videos of a dataset, by kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

MissingKind = Literal["no_file", "no_frames", "no_keypoints"]
FaultyKind = Literal["cut_short", "wrong_points", "not_finite", "out_of_range", "implausible", "unreadable"]
LabelKind = Literal["unlabelled", "trim_too_long", "trim_unknown", "frame_range"]
SplitKind = Literal["in_two_splits", "in_no_split", "unknown_to_labels"]
Kind = Literal[MissingKind, FaultyKind, LabelKind, SplitKind]

KINDS: dict[Kind, str] = {
    "no_file": "labeled, but without a keypoint file",
    "no_frames": "a file without frames",
    "no_keypoints": "a file that holds None: nothing was detected",
    "cut_short": "a truncated file, shorter than its header says",
    "wrong_points": "points whose number or names differ from most files, or a layout without the selected points",
    "not_finite": "infinite coordinates or scores",
    "out_of_range": "coordinates that the dtype cannot hold",
    "implausible": "impossible numbers: coordinates from 0 to 1, depths as scores, swapped axes, no point in the frame",
    "unreadable": "a file that cannot be read as keypoints",
    "unlabelled": "a keypoint file whose video is not in the labels",
    "trim_too_long": "the trimmed video has more frames than the keypoints",
    "trim_unknown": "a frame count for a video that is not in the dataset",
    "frame_range": "the labels give a range of frames, but the keypoints are not cut to it",
    "in_two_splits": "named by two splits",
    "in_no_split": "labeled, but in no split",
    "unknown_to_labels": "in a split, but not labeled",
}
"""Every kind of fault, with its meaning."""

MISSING: frozenset[Kind] = frozenset(get_args(MissingKind))
"""Kinds that the option `missing` applies to."""

FAULTY: frozenset[Kind] = frozenset(get_args(FaultyKind))
"""Kinds that the option `faulty` applies to."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of one video.

    Attributes:
        kind: one of KINDS.
        name: the video.
        detail: what is wrong, in one sentence with numbers.
        file: the client's name of its file; None if there is none.
        done: what was done with the video: ``zeros``, ``dropped``, ``kept``, ``kept in train``, ``refused``; "" until
            that is decided.
    """

    kind: Kind
    name: str
    detail: str
    file: str | None = None
    done: str = ""
