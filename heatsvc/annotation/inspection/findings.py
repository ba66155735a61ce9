"""Findings: problems that a reader of the pickle would have, by kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from heatsvc.pose.findings import CODES, OF_FILES

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
COLORS = {"error": "red", "warning": "yellow", "note": "cyan"}
_EXAMPLES, _EXAMPLE_LENGTH = 5, 200


class Meaning(NamedTuple):
    """A kind of finding: its severity, its text, and what to do."""

    severity: Severity
    text: str
    what_to_do: str


_AGAIN = "Write the pickle again with `heatsvc annotate`, or with the tool that made it."

MEANINGS: dict[str, Meaning] = {
    "no_annotations": Meaning("error", "there is no annotation in it", _AGAIN),
    "no_dict": Meaning("error", "annotations that are no dict", _AGAIN),
    "no_name": Meaning("error", "annotations without frame_dir, by which a split chooses", "Add frame_dir, as text."),
    "no_label": Meaning("error", "annotations without label", "Add the class index, which training needs."),
    "odd_label": Meaning("error", "labels that are no whole numbers from 0 on", "Write class indices, not label text."),
    "no_img_shape": Meaning("error", "annotations whose img_shape is not (height, width)", "Add the video's size."),
    "no_total_frames": Meaning("error", "annotations without total_frames", "Add T of keypoint."),
    "other_total_frames": Meaning(
        "error", "total_frames is not T of keypoint", "Correct it: a sampler takes frames that are not there."
    ),
    "no_keypoint": Meaning("error", "annotations without a keypoint array", "Leave them out, or add [M, T, V, 2]."),
    "raw_file": Meaning(
        "note",
        "annotations whose keypoints lie in files of their own",
        "Use a pipeline that reads them (DecompressPose); their points are not checked here.",
    ),
    "odd_keypoint": Meaning(
        "error", "keypoint is not [M, T, V, 2]", "PoseConv3D needs persons, frames, points, x and y."
    ),
    "three_columns": Meaning(
        "warning", "keypoint has three numbers per point", "Fit for graph networks; PoseConv3D needs x and y alone."
    ),
    "odd_dtype": Meaning("warning", "arrays that are not floating-point numbers", "Write float16 or float32."),
    "empty": Meaning("error", "annotations of no person, no frame or no point", "Leave them out."),
    "other_score": Meaning("error", "keypoint_score has not keypoint's shape without its last axis", "Correct it."),
    "no_score": Meaning("note", "annotations without keypoint_score", "Every point is rendered with score 1."),
    "infinite": Meaning(
        "error", "infinite coordinates or scores", "Write float32, if the numbers were too large for float16."
    ),
    "nan_score": Meaning("error", "scores that are NaN", "Set them to 0: one makes the whole loss NaN."),
    "nan_point": Meaning(
        "warning", "coordinates that are NaN", "PoseCompact sets them to 0; without it set them to 0 yourself."
    ),
    "all_zero": Meaning(
        "note", "annotations whose points are all 0", "They replace missing videos, and their heatmaps are empty."
    ),
    "other_points": Meaning(
        "error", "another number of points than most", "A model takes one number of channels: select the same points."
    ),
    "duplicate": Meaning("warning", "a frame_dir that several annotations have", "A split takes all of them."),
    "gap_in_labels": Meaning(
        "warning", "class indices between 0 and the largest that no annotation has", "num_classes counts them too."
    ),
    "no_split": Meaning("note", "a list of annotations without splits", "Name no split in the config."),
    "odd_split": Meaning("error", "splits that are not lists of names", "Write {split: [frame_dir, ...]}."),
    "empty_split": Meaning("warning", "splits without an annotation", "Training or testing on them fails."),
    "unknown_in_split": Meaning(
        "warning", "names in a split without an annotation", "The readers ignore them silently."
    ),
    "in_two_splits": Meaning(
        "warning", "names in more than one split", "Splits made for different protocols may share names; others leak."
    ),
    "in_no_split": Meaning("note", "annotations that are in no split", "They are never read."),
    "numpy_2": Meaning(
        "warning", "it names numpy._core, which NumPy 1 does not have", "Write it again: PYSKL runs NumPy 1."
    ),
    "protocol_5": Meaning(
        "warning", "pickle protocol 5, which Python 3.7 cannot read", "Write it with protocol 4: pickle.dump(..., 4)."
    ),
    **{
        code: Meaning("error" if found.severity == "impossible" else "warning", found.text, found.what_to_do)
        for code, found in CODES.items()
        if code not in ("frame_count", "missing_points", *OF_FILES)
    },
}
"""Every kind of finding; those of plausibility under their codes."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding.

    Attributes:
        kind: its name, one of MEANINGS.
        severity: ``error``: reading or training fails; ``warning``: the result may be wrong; ``note``: information.
        text: what was found.
        what_to_do: how to correct it.
        count: how often.
        examples: the first few, named.
    """

    kind: str
    severity: Severity
    text: str
    what_to_do: str
    count: int = 1
    examples: tuple[str, ...] = ()


@dataclass(slots=True)
class Findings:
    """Findings by kind: how often, and the first few examples."""

    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, example: str = "") -> None:
        """Count one."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        few = self.examples.setdefault(kind, [])
        if example and len(few) < _EXAMPLES:
            few.append(example if len(example) <= _EXAMPLE_LENGTH else example[: _EXAMPLE_LENGTH - 1] + "…")

    def listed(self) -> tuple[Finding, ...]:
        """All, the worst first."""
        found = (
            Finding(kind, *meaning, self.counts[kind], tuple(self.examples[kind]))
            for kind, meaning in MEANINGS.items()
            if kind in self.counts
        )
        return tuple(sorted(found, key=lambda finding: SEVERITIES.index(finding.severity)))
