"""Build: files in, a finished dataset out. The same for the command and for the service."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from heatsvc.annotation import artifacts
from heatsvc.annotation.annotation_pickle import fragment, head, tail
from heatsvc.annotation.artifacts import Artifact, write_whole
from heatsvc.annotation.configs import configs
from heatsvc.annotation.crew import PART, read_parts
from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.facts import SCORE_BINS, ClipFacts, DatasetFacts
from heatsvc.annotation.faults import FAULTY, MISSING, Fault
from heatsvc.annotation.inputs import Inputs
from heatsvc.annotation.label_map import label_map_csv, label_map_json
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.plan import Plan, make_plan
from heatsvc.annotation.progress import Progress, nobody
from heatsvc.annotation.reading import PartFacts, Reading, Task
from heatsvc.annotation.reading.part import known_part, part_path
from heatsvc.annotation.reading.points import Choice
from heatsvc.annotation.report import report_json, report_page
from heatsvc.annotation.sample import most_common_points
from heatsvc.bounds import DEFAULT_BOUNDS, Bounds, go_on
from heatsvc.pose.layouts import get_layout

_CHUNK = 1 << 20
_DONE = {"zeros": "zeros", "drop": "dropped", "error": "refused"}
_REFUSALS_NAMED = 8


class FaultsError(AnnotationError):
    """Videos that the options do not allow to be as they are: each was told of in the report.

    Attributes:
        report: the report as JSON, with every fault.
    """

    def __init__(self, detail: str, report: dict[str, Any]):
        super().__init__(detail)
        self.report = report


@dataclass(frozen=True, slots=True)
class Built:
    """What a build gave.

    Attributes:
        artifacts: the files, in the order of artifacts.MEDIA_TYPES; for a check the reports alone.
        report: the report as JSON.
    """

    artifacts: tuple[Artifact, ...]
    report: dict[str, Any]


def build(
    inputs: Inputs,
    options: AnnotationOptions,
    folder: Path,
    *,
    check: bool = False,
    jobs: int = 1,
    bounds: Bounds = DEFAULT_BOUNDS,
    progress: Callable[[Progress], None] = nobody,
    keep_going: Callable[[], None] = go_on,
    pickle_name: str = artifacts.PICKLE,
) -> Built:
    """Build a dataset in a folder; a build that was cut off there goes on from where it was.

    Args:
        inputs: the files.
        options: what is to become of them.
        folder: where the artifacts go, each whole or not at all; parts lie in ``folder/work`` until all is done.
        check: read everything and report, but write no pickle.
        jobs: processes that read keypoints; 1 reads in this one.
        bounds: how large a file may be.
        progress: told some times a second.
        keep_going: called now and then; raises what should end the work.
        pickle_name: what the pickle is called; the training configs name it.

    Raises:
        FaultsError: faults that the options forbid; the report was written nevertheless.
        AnnotationError, PoseError, LimitError: labels, split, options or keypoints that cannot be used.
    """
    started = time.monotonic()
    work = folder / "work"
    work.mkdir(parents=True, exist_ok=True)
    progress(Progress("labels"))
    plan = make_plan(inputs, options, work, bounds, keep_going)
    read = _read(plan, options, work, not check, jobs, bounds, progress, keep_going, started)
    faults, zeros = _decide(plan, read, options)
    facts = replace(_facts(plan, read, options), faults=[*plan.faults, *faults], clips=[*_clips(read), *zeros])
    facts = replace(facts, seconds=time.monotonic() - started)
    report = report_json(facts)
    reports = [
        write_whole(folder / artifacts.REPORT, [orjson.dumps(report, option=orjson.OPT_INDENT_2)]),
        write_whole(folder / artifacts.REPORT_PAGE, [report_page(report)]),
    ]
    refused = [fault for fault in facts.faults if fault.done == "refused"]
    if refused and not check:
        shutil.rmtree(work)
        raise FaultsError(_refusal(refused), report)
    if check:
        shutil.rmtree(work)
        return Built(tuple(reports), report)
    if not facts.clips:
        raise AnnotationError("no video is left: every one was filtered out, missing, faulty or in no split")
    progress(_progress("writing", plan, read, started))
    made = [
        write_whole(folder / pickle_name, _pickle(facts, work, len(read), keep_going)),
        write_whole(folder / artifacts.LABEL_MAP_JSON, [label_map_json(facts.classes)]),
        write_whole(folder / artifacts.LABEL_MAP_CSV, [label_map_csv(facts.classes)]),
        *(write_whole(folder / name, [text.encode()]) for name, text in configs(facts, pickle_name).items()),
    ]
    shutil.rmtree(work)
    progress(replace(_progress("done", plan, read, started), seconds_left=0.0))
    return Built((*made, *reports), report)


def _read(
    plan: Plan,
    options: AnnotationOptions,
    work: Path,
    write: bool,
    jobs: int,
    bounds: Bounds,
    progress: Callable[[Progress], None],
    keep_going: Callable[[], None],
    started: float,
) -> list[PartFacts]:
    """Every part's facts, those from before a cut included."""
    select = tuple(options.select) if isinstance(options.select, list) else options.select
    if options.layout is not None:
        get_layout(options.layout)
    choice = Choice(select, options.dtype, options.img_shape, options.layout, bounds=bounds)
    if not isinstance(select, str):
        choice = replace(choice, points=most_common_points(plan.tasks, choice, keep_going))
    else:
        get_layout(select)
    _forget_other_plan(plan, choice, work)
    parts = [plan.tasks[start : start + PART] for start in range(0, len(plan.tasks), PART)]
    read = [known_part(work, number) for number in range(len(parts))]
    left = [(number, tasks) for number, tasks in enumerate(parts) if read[number] is None]
    progress(_progress("keypoints", plan, read, started))
    begun, before = time.monotonic(), len(parts) - len(left)
    for done, (number, facts) in enumerate(read_parts(left, Reading(choice, work, write), jobs, keep_going), start=1):
        read[number] = facts
        seconds_left = (time.monotonic() - begun) / done * (len(parts) - before - done)
        progress(replace(_progress("keypoints", plan, read, started), seconds_left=seconds_left))
    return [facts for facts in read if facts is not None]


def _forget_other_plan(plan: Plan, choice: Choice, work: Path) -> None:
    """Parts of other videos, or read in another way, are of no use: a mounted folder may have changed."""
    digest = hashlib.sha256(repr(choice).encode())
    for task in plan.tasks:
        digest.update(f"{task.name}\0{task.label}\0{task.split}\0{task.last}\0{task.file.name}\n".encode())
    note = work / "plan.txt"
    if not note.exists() or note.read_text() != digest.hexdigest():
        for path in work.glob("*.part"):
            path.unlink()
        write_whole(note, [digest.hexdigest().encode()])


def _progress(stage: Any, plan: Plan, read: Sequence[PartFacts | None], started: float) -> Progress:
    known = [facts for facts in read if facts is not None]
    clips = sum(len(facts.clips) for facts in known)
    return Progress(
        stage,
        files_read=clips + sum(len(facts.failed) for facts in known),
        files=len(plan.tasks),
        clips_written=clips,
        seconds=round(time.monotonic() - started, 3),
    )


def _clips(read: Sequence[PartFacts]) -> Iterator[ClipFacts]:
    for facts in read:
        yield from facts.clips


def _decide(plan: Plan, read: Sequence[PartFacts], options: AnnotationOptions) -> tuple[list[Fault], list[ClipFacts]]:
    """What becomes of videos without usable keypoints: their faults, and zeros in place of those that stay.

    Zeros have the average number of frames of all that were read, as those that KETI's users trained with.
    """
    lengths = [clip.frames for clip in _clips(read)]
    average = int(sum(lengths) / len(lengths) + 0.5) if lengths else 0
    faults, zeros = [], []

    def decide(fault: Fault, name: str, label: int, split: str, signer: str) -> None:
        done = _DONE[options.missing if fault.kind in MISSING else options.faulty]
        if done == "zeros" and average:
            zeros.append(ClipFacts(name, label, split, signer, frames=average, zeros=True))
        elif done == "zeros":
            done = "dropped"
        faults.append(replace(fault, done=done))

    for number, facts in enumerate(read):
        failed = iter(facts.failed)
        for fault in facts.faults:
            if fault.kind in MISSING or fault.kind in FAULTY:
                task: Task = plan.tasks[number * PART + next(failed)]
                decide(fault, task.name, task.label, task.split, task.signer)
            else:
                faults.append(fault)
    for video in plan.absent:
        fault = Fault("no_file", video.name, "labelled, but there is no file of this name")
        decide(fault, video.name, video.label, video.split, video.signer)
    return faults, zeros


def _facts(plan: Plan, read: Sequence[PartFacts], options: AnnotationOptions) -> DatasetFacts:
    shapes: Counter[tuple[int, int]] = Counter()
    histograms = []
    for facts in read:
        shapes.update({(height, width): count for height, width, count in facts.img_shapes})
        if facts.clips:
            histograms.append(np.array(facts.histogram, np.int64))
    points = max((len(histogram) for histogram in histograms), default=0)
    layout = next((facts.layout for facts in read if facts.layout), "")
    shape = max(shapes, key=lambda one: (shapes[one], one)) if shapes else options.img_shape or (0, 0)
    return DatasetFacts(
        options=options,
        clips=(),
        splits=plan.splits,
        classes=plan.classes,
        faults=plan.faults,
        filtered=plan.filtered,
        files=plan.files,
        labelled=plan.labelled,
        points=points,
        layout=get_layout(layout, points) if layout else None,
        img_shape=shape,
        score_histogram=sum(histograms, np.zeros((points, SCORE_BINS), np.int64)),
        trimmed=sum(clip.frames < clip.frames_read for clip in _clips(read)),
    )


def _pickle(facts: DatasetFacts, work: Path, parts: int, keep_going: Callable[[], None]) -> Iterator[bytes]:
    """The pickle's bytes: head, the parts as they lie, zeros, tail."""
    names: dict[str, list[str]] = {split: [] for split in facts.splits}
    for clip in facts.clips:
        names[clip.split].append(clip.name)
    yield head(names, facts.options.dtype)
    for number in range(parts):
        with part_path(work, number).open("rb") as file:
            while chunk := file.read(_CHUNK):
                keep_going()
                yield chunk
    for clip in facts.clips:
        if clip.zeros:
            keypoint = np.zeros((1, clip.frames, facts.points, 2), facts.options.dtype)
            yield fragment(clip.name, clip.label, facts.img_shape, keypoint, keypoint[..., 0].copy())
    yield tail()


def _refusal(refused: Sequence[Fault]) -> str:
    """What is wrong and how to go on nevertheless."""
    kinds = Counter(fault.kind for fault in refused)
    named = ", ".join(f"{fault.name} ({fault.kind})" for fault in refused[:_REFUSALS_NAMED])
    more = f" and {len(refused) - _REFUSALS_NAMED:,} more" if len(refused) > _REFUSALS_NAMED else ""
    ways = [
        f"options.{option} = {values}"
        for option, values, concerned in (
            ("missing", '"zeros" or "drop"', MISSING),
            ("faulty", '"drop" or "zeros"', FAULTY),
            ("split_policy", '"drop" or "first"', {"in_two_splits", "in_no_split", "unknown_to_labels"}),
        )
        if any(kind in concerned for kind in kinds)
    ]
    return f"{len(refused):,} videos cannot be used as they are: {named}{more}. Mend them, or give {' and '.join(ways)}"
