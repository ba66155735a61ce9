"""Findings: problems that a reader would have with the pickle, by kind."""

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
    "no_annotations": Meaning("error", "the pickle has no annotations", _AGAIN),
    "no_dict": Meaning("error", "annotations that are not dicts", _AGAIN),
    "no_name": Meaning("error", "annotations without frame_dir, which splits refer to", "Add frame_dir, as text."),
    "no_label": Meaning("error", "annotations without label", "Add the class index, which training needs."),
    "odd_label": Meaning(
        "error", "labels that are not whole numbers, 0 or more", "Write class indices, not label text."
    ),
    "no_img_shape": Meaning("error", "annotations whose img_shape is not (height, width)", "Add the video's size."),
    "no_total_frames": Meaning("error", "annotations without total_frames", "Add T of keypoint."),
    "other_total_frames": Meaning(
        "error", "total_frames is not T of keypoint", "Correct it: samplers would take frames that do not exist."
    ),
    "no_keypoint": Meaning("error", "annotations without a keypoint array", "Leave them out, or add [M, T, V, 2]."),
    "raw_file": Meaning(
        "note",
        "annotations whose keypoints are in separate files",
        "Use a pipeline that reads them (DecompressPose); they are not checked here.",
    ),
    "odd_keypoint": Meaning(
        "error", "keypoint is not [M, T, V, 2]", "PoseConv3D needs persons, frames, points, x and y."
    ),
    "three_columns": Meaning(
        "warning", "keypoint has three numbers per point", "Graph networks can use it; PoseConv3D needs only x and y."
    ),
    "odd_dtype": Meaning("warning", "arrays that are not floating-point numbers", "Write float16 or float32."),
    "empty": Meaning("error", "annotations without a person, a frame or a point", "Leave them out."),
    "other_score": Meaning(
        "error", "keypoint_score does not have keypoint's shape without its last axis", "Correct it."
    ),
    "no_score": Meaning("note", "annotations without keypoint_score", "Every point is rendered with score 1."),
    "infinite": Meaning(
        "error", "infinite coordinates or scores", "Write float32 if the numbers were too large for float16."
    ),
    "nan_score": Meaning("error", "scores that are NaN", "Set them to 0: a single one makes the loss NaN."),
    "nan_point": Meaning(
        "warning", "coordinates that are NaN", "PoseCompact sets them to 0; without it, set them to 0 yourself."
    ),
    "all_zero": Meaning(
        "note", "annotations whose points are all 0", "They replace missing videos, and their heatmaps are empty."
    ),
    "other_points": Meaning(
        "error",
        "a number of points that differs from most",
        "A model needs one number of channels: select the same points.",
    ),
    "duplicate": Meaning("warning", "a frame_dir of several annotations", "A split takes all of them."),
    "gap_in_labels": Meaning(
        "warning", "class indices below the largest that no annotation has", "num_classes counts them too."
    ),
    "no_split": Meaning("note", "a list of annotations without splits", "Set no split in the config."),
    "odd_split": Meaning("error", "splits that are not lists of names", "Write {split: [frame_dir, ...]}."),
    "empty_split": Meaning("warning", "splits without annotations", "Training or testing on them fails."),
    "unknown_in_split": Meaning(
        "warning", "names in a split without an annotation", "The readers ignore them silently."
    ),
    "in_two_splits": Meaning(
        "warning",
        "names in more than one split",
        "Splits for different protocols may share names; otherwise test data leaks into training.",
    ),
    "in_no_split": Meaning("note", "annotations that are in no split", "They are never read."),
    "numpy_2": Meaning(
        "warning", "it refers to numpy._core, which NumPy 1 does not have", "Write it again: PYSKL needs NumPy 1."
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
"""All kinds of findings; findings of plausibility have their codes."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding.

    Attributes:
        kind: its name, one of MEANINGS.
        severity: ``error``: reading or training fails; ``warning``: the result may be wrong; ``note``: information.
        text: what was found.
        what_to_do: how to correct it.
        count: how often it was found.
        examples: the names of the first few.
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
        """Count a finding."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        few = self.examples.setdefault(kind, [])
        if example and len(few) < _EXAMPLES:
            few.append(example if len(example) <= _EXAMPLE_LENGTH else example[: _EXAMPLE_LENGTH - 1] + "…")

    def listed(self) -> tuple[Finding, ...]:
        """All findings, the worst first."""
        found = (
            Finding(kind, *meaning, self.counts[kind], tuple(self.examples[kind]))
            for kind, meaning in MEANINGS.items()
            if kind in self.counts
        )
        return tuple(sorted(found, key=lambda finding: SEVERITIES.index(finding.severity)))
