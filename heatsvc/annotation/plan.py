"""Plan: the videos of a dataset with label, split and file, before keypoints are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.faults import Fault
from heatsvc.annotation.inputs import Inputs
from heatsvc.annotation.labels.frame_range import FrameRange
from heatsvc.annotation.labels.labels import MORPHEME, Labels, LabelSource, read_labels
from heatsvc.annotation.mismatch import describe_mismatch
from heatsvc.annotation.names import NameIndex, VideoName
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.sources.find import KeypointFiles, find_files
from heatsvc.annotation.sources.stored_file import StoredFile
from heatsvc.annotation.splits.assignment import Assignment, assign_splits, find_split_column
from heatsvc.annotation.splits.split_file import read_split
from heatsvc.bounds import Bounds
from heatsvc.cancel import CancelToken


class LabeledVideo(NamedTuple):
    """A video that has a label and a split.

    Attributes:
        name: its `frame_dir`.
        label: class index.
        split: its split.
        signer: the signer; "" if unknown.
        file: its keypoint file; None if there is none.
        last: number of frames to keep at the end; None for all.
        range: the frames that its label describes; None for all.
    """

    name: str
    label: int
    split: str
    signer: str = ""
    file: StoredFile | None = None
    last: int | None = None
    range: FrameRange | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The videos to read, and the faults that are known before reading.

    Attributes:
        videos: videos with a file, in the pickle's order.
        missing: videos without a file.
        splits: names of the splits, in order.
        classes: labels by class index.
        faults: faults of names; keypoints have not been read.
        filtered: number of labeled videos that each filter excludes.
        files: number of keypoint files.
        labeled: number of videos in the labels, after the filters.
        sources: the detected format of each label file.
        split_column: the column of the label tables that defines the splits; None if something else does.
        assumed: split files whose encoding was assumed.
        mismatch: why no labeled video has a keypoint file and a split; "" if some have.
        notes: assumptions that were made, and files that were ignored, as sentences.
    """

    videos: Sequence[LabeledVideo]
    missing: Sequence[LabeledVideo]
    splits: Sequence[str]
    classes: Sequence[str]
    faults: Sequence[Fault]
    filtered: Mapping[str, int]
    files: int
    labeled: int
    sources: Sequence[LabelSource]
    split_column: str | None
    assumed: Sequence[str]
    mismatch: str
    notes: Sequence[str] = ()


def make_plan(
    inputs: Inputs, options: AnnotationOptions, work: Path, bounds: Bounds, token: CancelToken, *, check: bool = False
) -> Plan:
    """Read labels, split and frame counts, find the files, and match them by name.

    Args:
        inputs: the files.
        options: the dataset's options.
        work: a folder for unpacked files.
        bounds: limits of the number and size of files.
        token: checked between steps; cancels the work.
        check: whether it is a check. Without splits, all videos are then in one split, `all`.

    Raises:
        AnnotationError: labels, split or counts cannot be used, or a video has two files.
        PoseError, LimitError: an archive cannot be read, or a bound is exceeded.
    """

    @cache
    def named_files() -> tuple[KeypointFiles, NameIndex]:
        found = find_files(inputs, options, work, bounds, token)
        return found, NameIndex(name_of_file(file, options) for file in found.files)

    # Files are unpacked after labels and split are read, or earlier if labels cannot be recognized otherwise.
    beside = () if inputs.labels else named_files()[0].labels
    if not inputs.labels and not beside:
        raise AnnotationError(
            "labels are missing: give a KETI workbook, or names and labels as CSV or JSON, or keypoint files with the "
            "morpheme.json files of AIHub (NIASL)",
            field="labels",
        )
    labels = read_labels(
        inputs.labels, options, bounds, token, work=work, keypoint_names=lambda: named_files()[1], beside=beside
    )
    token.raise_if_cancelled()
    split_file = read_split(inputs.split, options, bounds) if inputs.split else None
    if check and split_file is None and options.split is None and find_split_column(labels) is None:
        assignment = Assignment(("all",) * len(labels.rows), ("all",), ())
    else:
        assignment = assign_splits(labels, split_file, options)
    # The report has the number of clips of each class in each split.
    table = sum(map(bool, labels.classes)) * len(assignment.splits)
    bounds.check("max_json_values", table, "classes times splits", field="labels")
    token.raise_if_cancelled()
    last: Mapping[int, int] = {}
    trim_faults: Sequence[Fault] = ()
    if inputs.trim or inputs.trim_folder is not None:
        from heatsvc.annotation.trim.frame_counts import (
            read_frame_counts,  # imported here, since few datasets need it, and it loads large libraries
        )

        counts = read_frame_counts(
            inputs.trim, inputs.trim_folder, labels, work / "trim", bounds, token, options.encoding
        )
        last, trim_faults = counts.frames, counts.faults
    found, names = named_files()
    file_of, unlabeled = match_files(zip(found.files, names.names, strict=True), labels)
    videos = []
    for position, (row, split) in enumerate(zip(labels.rows, assignment.split_of, strict=True)):
        if split is not None:
            label, signer = row.index if row.index is not None else -1, row.columns.get("signer", "")
            file = file_of.get(position)
            frames = FrameRange.of(row.columns) if options.frame_range != "ignore" else None
            videos.append(LabeledVideo(row.video.text, label, split, signer, file, last.get(position), frames))
    return Plan(
        videos=[video for video in videos if video.file is not None],
        missing=[video for video in videos if video.file is None],
        splits=assignment.splits,
        classes=labels.classes,
        faults=(*assignment.faults, *trim_faults, *unlabeled),
        filtered=labels.filtered,
        files=len(found.files),
        labeled=len(labels.rows),
        sources=labels.sources,
        split_column=assignment.column,
        assumed=split_file.assumed if split_file else (),
        mismatch=""
        if any(video.file for video in videos)
        else describe_mismatch(labels, names, assignment.split_of, split_file),
        notes=[*found.notes, *_note_labels(found.labels, labels, are_used=bool(beside))],
    )


def _note_labels(found: Sequence[StoredFile], labels: Labels, *, are_used: bool) -> list[str]:
    """A note about labels that were found among the keypoint files."""
    if not found:
        return []
    files = f"{len(found):,} files of labels among the keypoint files, such as {found[0].name:.160}"
    if are_used:
        return [f"the labels are from {files}, since no other labels were given"]
    if any(source.format == MORPHEME for source in labels.sources):
        return []
    return [f"{files}, were not read, since other labels were given: remove those to use these"]


def name_of_file(file: StoredFile, options: AnnotationOptions) -> VideoName:
    """The video of a keypoint file, by its name without the option `file_suffix`."""
    video = VideoName.of(file.name, field="keypoints", file=file.name)
    suffix = options.file_suffix
    return VideoName(video.text.removesuffix(suffix)) if suffix and video.text != suffix else video


def match_files(
    files: Iterable[tuple[StoredFile, VideoName]], labels: Labels
) -> tuple[dict[int, StoredFile], list[Fault]]:
    """The file of each row, if any, and the files without a row."""
    file_of: dict[int, StoredFile] = {}
    unlabeled = []
    for file, video in files:
        rows = labels.index.find(video)
        if not rows and file.frames and file.folder:
            # The folder may be the video, and the common part of the frames' names may be a camera or a tool.
            rows = labels.index.find(VideoName.of(file.folder, field="keypoints", file=file.name))
        if not rows:
            if not labels.known.find(video):
                unlabeled.append(Fault("unlabelled", video.text, "no label is for this file", file.name, "dropped"))
            continue
        if len(rows) > 1:
            names = " and ".join(labels.rows[row].video.text for row in rows[:2])
            raise AnnotationError(
                f"the file {file.name!r:.200} matches both {names}: put it into a folder named after one of them",
                field="keypoints",
                file=file.name,
            )
        other = file_of.setdefault(rows[0], file)
        if not other.is_same(file):
            raise AnnotationError(
                f"the video {labels.rows[rows[0]].video.text} has two files, "
                f"{other.name!r:.200} and {file.name!r:.200}: remove one",
                field="keypoints",
                file=file.name,
            )
    return file_of, unlabeled
