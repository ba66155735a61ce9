"""Faults: what was wrong with one video of a dataset, under its own name."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Kind = Literal[
    "no_file",
    "no_frames",
    "no_keypoints",
    "cut_short",
    "wrong_points",
    "not_finite",
    "out_of_range",
    "unreadable",
    "unlabelled",
    "trim_too_long",
    "trim_unknown",
    "in_two_splits",
    "in_no_split",
    "unknown_to_labels",
]

KINDS: dict[Kind, str] = {
    "no_file": "labelled, but no file of keypoints",
    "no_frames": "a file of no frames",
    "no_keypoints": "a file that holds None: nothing was detected",
    "cut_short": "a file that ends before its header says",
    "wrong_points": "another number of points than the others, or of a layout that does not have those selected",
    "not_finite": "infinite coordinates or scores",
    "out_of_range": "coordinates that the dtype cannot hold",
    "unreadable": "a file that cannot be read as keypoints",
    "unlabelled": "a file of keypoints that no label is for",
    "trim_too_long": "the trimmed video has more frames than the keypoints",
    "trim_unknown": "a frame count for a video that is not in the dataset",
    "in_two_splits": "named by two splits",
    "in_no_split": "labelled, but in no split",
    "unknown_to_labels": "in a split, but not labelled",
}
"""Every kind of fault, in words."""

MISSING: frozenset[Kind] = frozenset({"no_file", "no_frames", "no_keypoints"})
"""What the option `missing` decides on."""

FAULTY: frozenset[Kind] = frozenset({"cut_short", "wrong_points", "not_finite", "out_of_range", "unreadable"})
"""What the option `faulty` decides on."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with one video.

    Attributes:
        kind: its name, one of KINDS.
        name: the video.
        detail: what is wrong, in a sentence, with numbers.
        file: the file it was found in, as the sender calls it; None where there is none.
        done: what became of the video: ``zeros``, ``dropped``, ``kept``, ``refused``.
    """

    kind: Kind
    name: str
    detail: str
    file: str | None = None
    done: str = ""

    def as_json(self) -> dict[str, Any]:
        """The same as JSON has it."""
        return asdict(self)
