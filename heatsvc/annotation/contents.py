"""describe_contents: describes the files of a dataset: names, rows, encodings, splits, and how they match."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.inputs import Inputs
from heatsvc.annotation.labels.labels import Labels, read_labels
from heatsvc.annotation.mismatch import describe_mismatch
from heatsvc.annotation.names import NameIndex
from heatsvc.annotation.options import MAX_NAMES, AnnotationOptions
from heatsvc.annotation.plan import match_files, name_of_file
from heatsvc.annotation.report.document import label_sources
from heatsvc.annotation.sources.find import KeypointFiles, find_files
from heatsvc.annotation.sources.stored_file import StoredFile
from heatsvc.annotation.splits.assignment import Assignment, assign_splits, find_split_column
from heatsvc.annotation.splits.split_file import SplitFile, read_split
from heatsvc.bounds import Bounds
from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.errors import InputError
from heatsvc.pose import PoseClip
from heatsvc.pose.findings import Interpretation
from heatsvc.pose.readers import ReadOptions, read

R = TypeVar("R")

_MAX_SAMPLES = 3
_MAX_COLUMNS = 50
_ANY_SHAPE = (1080, 1920)
# orjson raises a SystemError.
_OUT_OF_MEMORY = (MemoryError, SystemError)
_TOO_MUCH = "inspecting it takes too much memory; a build can still read it"


def describe_contents(
    inputs: Inputs, options: AnnotationOptions, work: Path, bounds: Bounds, token: CancelToken = NEVER_CANCELLED
) -> dict[str, Any]:
    """Describe the files as strings, numbers, lists and dicts.

    Each kind of file is read separately, so that an error in one does not hide the others.

    Args:
        inputs: the files, of any kinds. An empty keypoint file is counted by its name, and not read.
        options: the dataset's options.
        work: a folder for unpacked files.
        bounds: limits of the number and size of files.
        token: checked between steps; cancels the work.

    Returns:
        `keypoints`, `labels` and `split`, each None if there are no such files (`split`: and neither an option nor a
        column defines the splits), or a dict with `problem`: None, or `detail`, `field`, `file` and `frame`.
        `videos`: how the names match; None unless there are both keypoints and labels.
    """

    def find() -> tuple[KeypointFiles, NameIndex]:
        found = find_files(inputs, options, work, bounds, token)
        return found, NameIndex(name_of_file(file, options) for file in found.files)

    found, keypoints_problem = _attempt(find, bool(inputs.keypoints) or inputs.folder is not None)
    names = found[1] if found else None
    labels, labels_problem = _attempt(
        lambda: read_labels(
            inputs.labels, options, bounds, token, work=work, keypoint_names=(lambda: names) if names else None
        ),
        bool(inputs.labels),
    )
    split_file, split_problem = _attempt(lambda: read_split(inputs.split, options, bounds), bool(inputs.split))
    assignment: Assignment | None = None
    if labels and not split_problem and (split_file or options.split is not None or find_split_column(labels)):
        assignment, split_problem = _attempt(lambda: assign_splits(labels, split_file, options), True)
    split = split_file or assignment
    return {
        "keypoints": _section(found, keypoints_problem, lambda found: _keypoints(*found, options, bounds, token)),
        "labels": _section(labels, labels_problem, _labels),
        "split": _section(split, split_problem, lambda _: _split(labels, split_file, assignment)),
        "videos": _videos(*found, labels, split_file, assignment) if found and labels else None,
    }


def _attempt(work: Callable[[], R], wanted: bool) -> tuple[R | None, dict[str, Any] | None]:
    """The result of reading files, or the problem with them; neither if there are no files."""
    if not wanted:
        return None, None
    try:
        return work(), None
    except InputError as error:
        return None, _problem(error)
    except _OUT_OF_MEMORY:
        return None, _problem(AnnotationError(_TOO_MUCH))


def _problem(error: InputError) -> dict[str, Any]:
    texts = {"detail": error.detail, "field": error.field, "file": error.file}
    return {**{key: value and _printable(value) for key, value in texts.items()}, "frame": error.frame}


def _section(
    content: R | None, problem: dict[str, Any] | None, describe: Callable[[R], dict[str, Any]]
) -> dict[str, Any] | None:
    if problem is not None:
        return {"problem": problem}
    return None if content is None else {**describe(content), "problem": None}


def _keypoints(
    found: KeypointFiles, names: NameIndex, options: AnnotationOptions, bounds: Bounds, token: CancelToken
) -> dict[str, Any]:
    readable = (file for file in found.files if _has_bytes(file))
    return {
        "files": len(found.files),
        "names": [_printable(name.text) for name in names.names[:MAX_NAMES]],
        "samples": [_sample(file, options, bounds, token) for file in islice(readable, _MAX_SAMPLES)],
        "notes": list(found.notes),
    }


def _has_bytes(file: StoredFile) -> bool:
    return bool(file.frames or file.size or (file.size is None and Path(file.path).stat().st_size))


def _sample(file: StoredFile, options: AnnotationOptions, bounds: Bounds, token: CancelToken) -> dict[str, Any]:
    """The first clip of a file; its `img_shape` is None if neither the file nor the options specify it."""
    token.raise_if_cancelled()
    shown: dict[str, Any] = dict.fromkeys(("persons", "frames", "points", "layout", "img_shape", "problem"))
    shown["file"] = _printable(file.name)

    def read_first(img_shape: tuple[int, int] | None, interpretation: Interpretation) -> PoseClip:
        read_options = ReadOptions(img_shape, options.layout, None, interpretation, bounds, token)
        return read(file.read(bounds), filename=file.name, options=read_options)[0]

    def show(clip: PoseClip, img_shape: Sequence[int] | None) -> None:
        layout = clip.layout.name if clip.layout else None
        shown.update(persons=clip.persons, frames=clip.frames, points=clip.points, layout=layout)
        shown["img_shape"] = None if img_shape is None else list(img_shape)

    try:
        clip = read_first(options.img_shape, options.interpretation)
        show(clip, clip.img_shape)
    except InputError as error:
        if error.field != "img_shape" or options.img_shape is not None:
            return {**shown, "problem": _problem(error)}
        try:
            # Without the size of the frame, the positions of the points cannot be checked.
            show(read_first(_ANY_SHAPE, replace(options.interpretation, plausibility="ignore")), None)
        except InputError as other:
            return {**shown, "problem": _problem(other)}
    except _OUT_OF_MEMORY:
        return {**shown, "problem": _problem(AnnotationError(_TOO_MUCH, file=file.name))}
    return shown


def _labels(labels: Labels) -> dict[str, Any]:
    return {
        "files": label_sources(labels.sources),
        "videos": len(labels.rows),
        "classes": sum(map(bool, labels.classes)),
        "names": [_printable(row.video.text) for row in labels.rows[:MAX_NAMES]],
        "columns": sorted(labels.headers)[:_MAX_COLUMNS],
        "filtered": dict(labels.filtered),
    }


def _split(labels: Labels | None, split_file: SplitFile | None, assignment: Assignment | None) -> dict[str, Any]:
    """The splits with their numbers of videos: assigned videos if there are labels, else names in the files."""
    if assignment is not None:
        counts, order = Counter(assignment.split_of), assignment.splits
    else:
        entries = split_file.entries if split_file else ()
        counts, order = Counter(entry.split for entry in entries), split_file.splits if split_file else ()
    return {
        "splits": [{"name": split, "videos": counts[split]} for split in order],
        "column": assignment.column if assignment else None,
        "assumed": list(split_file.assumed) if split_file else [],
    }


def _videos(
    found: KeypointFiles,
    names: NameIndex,
    labels: Labels,
    split_file: SplitFile | None,
    assignment: Assignment | None,
) -> dict[str, Any]:
    """How many labeled videos have a keypoint file, or why none has."""
    split_of = assignment.split_of if assignment else ("all",) * len(labels.rows)
    try:
        file_of, unlabeled = match_files(zip(found.files, names.names, strict=True), labels)
    except InputError as error:
        return {"problem": _problem(error)}
    matched = [position for position in file_of if split_of[position] is not None]
    return {
        "labelled": len(labels.rows),
        "with_keypoints": len(file_of),
        "ready": len(matched),
        "without_keypoints": [
            _printable(row.video.text)
            for position, row in islice(
                ((position, row) for position, row in enumerate(labels.rows) if position not in file_of), MAX_NAMES
            )
        ],
        "unlabelled": len(unlabeled),
        "faults": dict(Counter(fault.kind for fault in assignment.faults)) if assignment else {},
        "mismatch": None if matched else describe_mismatch(labels, names, split_of, split_file),
        "problem": None,
    }


def _printable(text: str) -> str:
    """Make a text encodable as UTF-8: a name on disk may contain invalid characters."""
    return text.encode(errors="backslashreplace").decode()
