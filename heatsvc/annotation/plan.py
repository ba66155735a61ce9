"""Plan: which videos there are, with label, split and file, before any keypoints are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.faults import Fault
from heatsvc.annotation.inputs import Inputs
from heatsvc.annotation.labels import LabelRow, Labels, read_labels
from heatsvc.annotation.names import VideoName
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.shards import Task
from heatsvc.annotation.sources import StoredFile, find_files
from heatsvc.annotation.splits import Assignment, assign_all, assign_splits, read_split
from heatsvc.bounds import Bounds
from heatsvc.cancel import CancelToken
from heatsvc.pose.clip import check_img_shape


@dataclass(frozen=True, slots=True)
class Absent:
    """A labelled video, in a split, without a file."""

    name: str
    label: int
    split: str
    signer: str


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What is to be read, and what is already known to be wrong.

    Attributes:
        tasks: videos with label, split and file, in the pickle's order.
        absent: those without a file.
        splits: names of the splits, in order.
        classes: label strings by class index.
        faults: of names; keypoints have not been looked at.
        filtered: labelled videos that the filters left out, by filter.
        files: keypoint files found.
        labelled: videos that labels know, after the filters.
    """

    tasks: Sequence[Task]
    absent: Sequence[Absent]
    splits: Sequence[str]
    classes: Sequence[str]
    faults: Sequence[Fault]
    filtered: Mapping[str, int]
    files: int
    labelled: int


def make_plan(
    inputs: Inputs,
    options: AnnotationOptions,
    work: Path,
    bounds: Bounds,
    token: CancelToken,
    *,
    check: bool = False,
) -> Plan:
    """Read labels, split and frame counts, find the files, and match them by name.

    Args:
        work: a folder for what has to be unpacked first.
        check: whether nothing will be built: a split may then be missing, and all videos are looked at.

    Raises:
        AnnotationError: labels, split or counts that cannot be used; two files for one video.
        PoseError, LimitError: an img_shape that is none, an archive that cannot be read, or too much of anything.
    """
    if not inputs.labels:
        raise AnnotationError(
            "there are no labels: send a KETI workbook, a CSV or a JSON of names and labels", field="labels"
        )
    if options.img_shape is not None:
        check_img_shape(options.img_shape, field="options.img_shape")
    labels = read_labels(inputs.labels, options, bounds, token)
    token.raise_if_cancelled()
    split_file = None if inputs.split is None else read_split(inputs.split, bounds)
    assignment = (
        assign_all(labels)
        if check and split_file is None and options.split is None
        else assign_splits(labels, split_file, options)
    )
    # The report tells of each class how many clips it has in each split.
    table = sum(map(bool, labels.classes)) * len(assignment.splits)
    bounds.check("max_json_values", table, "classes times splits", field="labels")
    token.raise_if_cancelled()
    last, trim_faults = _last_frames(inputs, labels, work, bounds, token)
    files = find_files(inputs, options, work, bounds, token)
    file_of, unlabelled = _match(files, labels)
    tasks, absent = _sort_out(labels, assignment, last, file_of)
    faults = (*assignment.faults, *trim_faults, *unlabelled)
    return Plan(tasks, absent, assignment.splits, labels.classes, faults, labels.filtered, len(files), len(labels.rows))


def _last_frames(
    inputs: Inputs, labels: Labels, work: Path, bounds: Bounds, token: CancelToken
) -> tuple[Mapping[int, int], Sequence[Fault]]:
    """How many frames to keep of rows whose video was trimmed."""
    if not inputs.trim and inputs.trim_folder is None:
        return {}, ()
    from heatsvc.annotation.trim import (
        read_frame_counts,  # few datasets are trimmed, and videos are read by large libraries
    )

    trim = read_frame_counts(inputs.trim, inputs.trim_folder, labels, work / "trim", bounds, token)
    return trim.frames, trim.faults


def _match(files: Iterable[StoredFile], labels: Labels) -> tuple[dict[int, StoredFile], list[Fault]]:
    """The file of each row that has one, and the files of no row."""
    file_of: dict[int, StoredFile] = {}
    unlabelled = []
    for file in files:
        video = VideoName.of(file.name, field="keypoints", file=file.name)
        places = labels.index.find(video)
        if not places:
            if not labels.known.find(video):
                unlabelled.append(Fault("unlabelled", video.text, "no label is for this file", file.name, "dropped"))
            continue
        if len(places) > 1:
            names = " and ".join(labels.rows[place].video.text for place in places[:2])
            raise AnnotationError(
                f"the file {file.name!a:.200} may be either of {names}: put it into a folder that tells",
                field="keypoints",
                file=file.name,
            )
        other = file_of.setdefault(places[0], file)
        if other is not file:
            raise AnnotationError(
                f"two files are of one video, {labels.rows[places[0]].video.text}: "
                f"{other.name!a:.200} and {file.name!a:.200}: leave one out",
                field="keypoints",
                file=file.name,
            )
    return file_of, unlabelled


def _sort_out(
    labels: Labels, assignment: Assignment, last: Mapping[int, int], file_of: Mapping[int, StoredFile]
) -> tuple[list[Task], list[Absent]]:
    tasks, absent = [], []
    for place, (row, split) in enumerate(zip(labels.rows, assignment.split_of, strict=True)):
        if split is None:
            continue
        name, label, signer = row.video.text, _index_of(row), row.columns.get("signer", "")
        file = file_of.get(place)
        if file is None:
            absent.append(Absent(name, label, split, signer))
        else:
            tasks.append(Task(name, label, split, file, signer, last.get(place)))
    return tasks, absent


def _index_of(row: LabelRow) -> int:
    """Every row of Labels has its class index."""
    if row.index is None:
        raise AnnotationError(f"{row.where}: {row.video.text} has no class index")
    return row.index
