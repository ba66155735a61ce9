"""Builds a dataset: files in, annotation pickle, label map, training configs and report out."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from heatsvc.annotation import artifacts
from heatsvc.annotation.annotation_pickle import encode_annotation, encode_header, encode_splits
from heatsvc.annotation.artifacts import Artifact, label_map_csv, label_map_json, write_atomically
from heatsvc.annotation.configs import configs
from heatsvc.annotation.errors import AnnotationError, FaultsError
from heatsvc.annotation.faults import FAULTY, MISSING, Fault
from heatsvc.annotation.inputs import Inputs
from heatsvc.annotation.keypoints import KeypointSelection
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.plan import Absent, Plan, make_plan
from heatsvc.annotation.progress import Progress, Stage, ignore_progress
from heatsvc.annotation.reader_pool import ReaderPool, is_large
from heatsvc.annotation.report import report_json, report_page
from heatsvc.annotation.shards import Shard, ShardReader, Task, shard_path, stored_shard
from heatsvc.annotation.statistics import SCORE_BINS, ClipStatistics, DatasetStatistics
from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.errors import InputError
from heatsvc.pose.layouts import get_layout
from heatsvc.pose.readers import ReadOptions, read

_FILES = 25
_ANY_SHAPE = (1080, 1920)


def most_common_points(tasks: Sequence[Task], selection: KeypointSelection, token: CancelToken) -> int | None:
    """V of most of some files, evenly spread over all; None where no file at all can be read.

    Where points are selected by position, or all taken, nothing else tells that a file has other points.
    """
    counts: Counter[int] = Counter()
    step = max(1, len(tasks) // _FILES)
    # Should none of those be readable, one of the others is: clips of different points do not go into one dataset.
    for place in chain.from_iterable(range(first, len(tasks), step) for first in range(step)):
        if place % step and counts:
            break
        token.raise_if_cancelled()
        task = tasks[place]
        options = ReadOptions(selection.img_shape or _ANY_SHAPE, selection.layout, bounds=selection.bounds)
        try:
            counts.update(clip.points for clip in read(task.file.read(selection.bounds), options=options))
        except InputError:
            continue
    return counts.most_common(1)[0][0] if counts else None


SHARD_SIZE = 256
"""Videos in a part: some megabytes, some hundredths of a second."""

_DONE = {"zeros": "zeros", "drop": "dropped", "error": "refused"}
_REFUSALS_NAMED = 8


class Run:
    """A build under way: what was read so far, and what follows from it.

    Attributes:
        facts: of the dataset, once it was decided on.
        report: the same as JSON.
    """

    facts: DatasetStatistics
    report: dict[str, Any]

    def __init__(
        self,
        plan: Plan,
        options: AnnotationOptions,
        reading: ShardReader,
        progress: Callable[[Progress], None],
        token: CancelToken,
    ) -> None:
        self._plan, self._options, self._reading = plan, options, reading
        self._progress, self._token = progress, token
        self._started = time.monotonic()
        self._parts = [plan.tasks[start : start + SHARD_SIZE] for start in range(0, len(plan.tasks), SHARD_SIZE)]
        self._read: list[Shard] = []
        self._files_read = self._clips = 0

    def tell(self, stage: Stage, seconds_left: float | None = 0.0) -> None:
        """How far it is."""
        self._progress(
            Progress(
                stage,
                self._files_read,
                len(self._plan.tasks),
                self._clips,
                round(time.monotonic() - self._started, 3),
                seconds_left,
            )
        )

    def read(self, crew: ReaderPool) -> Iterator[int]:
        """Read all parts that are not there yet; the number of each part, in order, when it is there."""
        known = [stored_shard(self._reading.folder, number) for number in range(len(self._parts))]
        left = [(number, tasks) for number, tasks in enumerate(self._parts) if known[number] is None]
        new = crew.read(left, self._reading, self._token)
        begun, done = time.monotonic(), 0
        self.tell("keypoints", None)
        for number, before in enumerate(known):
            facts = next(new) if before is None else before
            done += before is None
            self._read.append(facts)
            self._files_read += len(self._parts[number])
            self._clips += len(facts.clips)
            yield number
            self.tell("keypoints", (time.monotonic() - begun) / done * (len(left) - done) if done else None)

    def pickle(self, crew: ReaderPool, decided: Callable[[], None]) -> Iterator[bytes | Path]:
        """The pickle's bytes: head, the parts as they come, zeros, tail. A part is on its way while others are read.

        Args:
            decided: called when all is read.
        """
        yield encode_header(self._options.dtype)
        for number in self.read(crew):
            self._token.raise_if_cancelled()
            yield shard_path(self._reading.folder, number)
            if not self._reading.keep:
                shard_path(self._reading.folder, number).unlink()
        decided()
        self.tell("writing")
        facts = self.facts
        names: dict[str, list[str]] = {split: [] for split in facts.splits}
        for clip in facts.clips:
            names[clip.split].append(clip.name)
            if clip.zeros:
                keypoint = np.zeros((1, clip.frames, facts.points, 2), facts.options.dtype)
                yield encode_annotation(clip.name, clip.label, facts.img_shape, keypoint, keypoint[..., 0].copy())
        yield encode_splits(names)

    def decide(self) -> None:
        """What becomes of videos without usable keypoints; then facts and report are there.

        Zeros have the average number of frames of all that were read, as those that KETI's users trained with.
        """
        clips = [clip for facts in self._read for clip in facts.clips]
        average = int(sum(clip.frames for clip in clips) / len(clips) + 0.5) if clips else 0
        faults: list[Fault] = []

        def decide(fault: Fault, video: Task | Absent) -> None:
            done = _DONE[self._options.missing if fault.kind in MISSING else self._options.faulty]
            if done == "zeros" and average:
                zeros = ClipStatistics(video.name, video.label, video.split, video.signer, frames=average, zeros=True)
                clips.append(zeros)
            elif done == "zeros":  # of what length?
                done = "dropped"
            faults.append(replace(fault, done=done))

        for tasks, facts in zip(self._parts, self._read, strict=True):
            failed = iter(facts.failed)
            for fault in facts.faults:
                if fault.kind in MISSING or fault.kind in FAULTY:
                    decide(fault, tasks[next(failed)])
                else:
                    faults.append(fault)
        for video in self._plan.absent:
            decide(Fault("no_file", video.name, "labelled, but there is no file of this name"), video)
        self.facts = self._facts(clips, [*self._plan.faults, *faults])
        self.report = report_json(self.facts)

    def check_allowed(self) -> None:
        """Raise FaultsError where the options do not allow a fault; AnnotationError where no clip is left."""
        refused = [fault for fault in self.facts.faults if fault.done == "refused"]
        if refused:
            raise FaultsError(_refusal(refused), self.report)
        if not self.facts.clips:
            raise AnnotationError("no video is left: every one was filtered out, missing, faulty or in no split")

    def _facts(self, clips: Sequence[ClipStatistics], faults: Sequence[Fault]) -> DatasetStatistics:
        plan = self._plan
        shapes: Counter[tuple[int, int]] = Counter()
        for facts in self._read:
            shapes.update({(height, width): count for height, width, count in facts.img_shapes})
        histograms = [np.array(facts.histogram, np.int64) for facts in self._read if facts.clips]
        points = max((len(histogram) for histogram in histograms), default=0)
        layout = next((facts.layout for facts in self._read if facts.layout), "")
        return DatasetStatistics(
            options=self._options,
            clips=clips,
            splits=plan.splits,
            classes=plan.classes,
            faults=faults,
            filtered=plan.filtered,
            files=plan.files,
            labelled=plan.labelled,
            points=points,
            layout=get_layout(layout, points) if layout else None,
            img_shape=max(shapes, key=lambda one: (shapes[one], one)) if shapes else self._options.img_shape or (0, 0),
            score_histogram=sum(histograms, np.zeros((points, SCORE_BINS), np.int64)),
            trimmed=sum(clip.frames < clip.frames_read for clip in clips),
            seconds=time.monotonic() - self._started,
        )


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


@dataclass(frozen=True, slots=True)
class BuildResult:
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
    progress: Callable[[Progress], None] = ignore_progress,
    token: CancelToken = NEVER_CANCELLED,
    pickle_name: str = artifacts.PICKLE,
    digest: bool = True,
    memory: Path | None = None,
    work: Path | None = None,
) -> BuildResult:
    """Build a dataset in a folder; a build that was cut off there goes on from where it was.

    Args:
        inputs: the files.
        options: what is to become of them.
        folder: where the artifacts go, each whole or not at all.
        check: read everything and report, but write no pickle.
        jobs: processes that read keypoints, where there are so many that it is worth them; 1 reads in this one.
        bounds: how large a file may be.
        progress: told some times a second.
        token: ends the work early.
        pickle_name: what the pickle is called; the training configs name it.
        digest: whether the pickle's sha256 is asked for.
        memory: a folder for parts that lies in memory. They are removed from it as they get into the pickle: little
            is in it at a time, and a build that is cut off begins again.
        work: where parts are kept, ``folder/work`` if not given. The caller deletes it once the build has ended: until
            then another call with the same folder need not read again what is finished.

    Raises:
        FaultsError: faults that the options forbid; the report was written nevertheless.
        AnnotationError, PoseError, LimitError: labels, split, options or keypoints that cannot be used.
    """
    work = work or folder / "work"
    work.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    progress(Progress("labels"))
    reports: list[Artifact] = []
    made: list[Artifact] = []
    with ReaderPool(jobs if is_large(inputs) else 1) as crew:
        plan = make_plan(inputs, options, work, bounds, token, check=check)
        reading = _reading(plan, options, work, not check, bounds, crew.has_processes, token)
        if memory is not None:
            reading = replace(reading, folder=memory, keep=False)
        run = Run(plan, options, reading, progress, token)

        def decided() -> None:
            """All is read: tell of it, and go on only if it may be as it is."""
            run.decide()
            text = orjson.dumps(run.report, option=orjson.OPT_INDENT_2)
            reports.append(write_atomically(folder / artifacts.REPORT, [text]))
            reports.append(write_atomically(folder / artifacts.REPORT_PAGE, [report_page(run.report)]))
            if not check:
                run.check_allowed()

        if check:
            for _ in run.read(crew):
                pass
            decided()
        else:
            made.append(write_atomically(folder / pickle_name, run.pickle(crew, decided), digest=digest))
    if not check:
        made.append(write_atomically(folder / artifacts.LABEL_MAP_JSON, [label_map_json(run.facts.classes)]))
        made.append(write_atomically(folder / artifacts.LABEL_MAP_CSV, [label_map_csv(run.facts.classes)]))
        for name, text in configs(run.facts, pickle_name).items():
            made.append(write_atomically(folder / name, [text.encode()]))
    run.tell("done")
    return BuildResult((*made, *reports), run.report)


def count_finished_shards(work: Path) -> int:
    """How many shards are finished in a folder that was `build`'s `work`."""
    return sum(1 for _ in work.glob("[0-9]*.part"))


def _reading(
    plan: Plan,
    options: AnnotationOptions,
    work: Path,
    write: bool,
    bounds: Bounds,
    compiled: bool,
    token: CancelToken,
) -> ShardReader:
    """How parts are to be read; parts of another plan are removed.

    Raises:
        LayoutError: a layout that is none.
        AnnotationError, LimitError: positions that most files do not have, none, or too many.
    """
    select = tuple(options.select) if isinstance(options.select, list) else options.select
    for layout in (options.layout, select):
        if isinstance(layout, str):
            get_layout(layout)
    selection = KeypointSelection(select, options.dtype, options.img_shape, options.layout, bounds=bounds)
    if not isinstance(select, str):
        selection = replace(selection, points=most_common_points(plan.tasks, selection, token))
        _check_positions(selection)
    # A mounted folder may have changed since the parts were read.
    digest = hashlib.sha256(repr((selection, SHARD_SIZE, write)).encode())
    for task in plan.tasks:
        file = task.file
        digest.update(f"{task.name}\0{task.label}\0{task.split}\0{task.last}\0{file.name}\0{file.stamp()}\n".encode())
    note = work / "plan.txt"
    if not note.exists() or note.read_text() != digest.hexdigest():
        for path in work.glob("*.part"):
            path.unlink()
        write_atomically(note, [digest.hexdigest().encode()])
    return ShardReader(replace(selection, compiled=compiled), work, write)


def _check_positions(selection: KeypointSelection) -> None:
    """What no file can be read with is the options' fault, and not that of every file.

    Raises:
        AnnotationError, LimitError: as _reading.
    """
    if not isinstance(selection.select, tuple):
        return
    selection.bounds.check("max_keypoints", len(selection.select), "points to select", field="options.select")
    if not selection.select:
        raise AnnotationError("select names no point: name some, or null for all", field="options.select")
    if selection.points is not None and max(selection.select) >= selection.points:
        raise AnnotationError(
            f"select names point {str(max(selection.select))[:20]}, and the files have {selection.points}: "
            f"0 to {selection.points - 1}",
            field="options.select",
        )
