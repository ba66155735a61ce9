"""build: makes an annotation pickle, label map, training configs and report from the files of a dataset."""

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
from heatsvc.annotation.artifacts import Artifact, write_atomically
from heatsvc.annotation.configs.formats import configs
from heatsvc.annotation.errors import AnnotationError, FaultsError
from heatsvc.annotation.faults import FAULTY, MISSING, Fault
from heatsvc.annotation.inputs import Inputs
from heatsvc.annotation.keypoints import KeypointSelection
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.plan import LabeledVideo, Plan, make_plan
from heatsvc.annotation.progress import Progress, Stage, ignore_progress
from heatsvc.annotation.reader_pool import ReaderPool, is_large
from heatsvc.annotation.report.document import report_json
from heatsvc.annotation.report.page import report_page
from heatsvc.annotation.report.running import RunningReport
from heatsvc.annotation.shards import Shard, ShardReader
from heatsvc.annotation.statistics import SCORE_BINS, ClipStatistics, DatasetStatistics
from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.errors import InputError
from heatsvc.pose.layouts import get_layout
from heatsvc.pose.readers import ReadOptions, read

SHARD_SIZE = 256
"""Number of videos in a shard, which has some megabytes and takes some hundredths of a second."""

_DONE = {"zeros": "zeros", "drop": "dropped", "error": "refused"}
_MAX_NAMED = 8
_SAMPLED_FILES = 25
_ANY_SHAPE = (1080, 1920)


@dataclass(frozen=True, slots=True)
class BuildResult:
    """The result of a build.

    Attributes:
        artifacts: the files, in the order of artifacts.MEDIA_TYPES; only the reports for a check.
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
    """Build a dataset in a folder, or resume a build that was interrupted there.

    Args:
        inputs: the files.
        options: the dataset's options.
        folder: the folder for the artifacts, each of which is written atomically.
        check: whether to only read everything and report, without writing a pickle.
        jobs: number of processes that read the keypoints of large datasets; 1 reads in this process.
        bounds: limits of files.
        progress: called a few times per second.
        token: checked between steps; cancels the work.
        pickle_name: the pickle's file name, which the training configs contain.
        digest: whether to compute the pickle's sha256.
        memory: a folder in memory for shards. They are deleted once they are copied into the pickle, so that few exist
            at a time; an interrupted build then starts from the beginning.
        work: the folder for shards, ``folder/work`` if not given. The caller deletes it once the build has ended; until
            then another call with the same folder does not read finished shards again.

    Raises:
        FaultsError: there are faults that the options do not allow; the report is written nevertheless.
        AnnotationError, PoseError, LimitError: labels, split, options or keypoints cannot be used.
    """
    work = work or folder / "work"
    work.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    progress(Progress("labels"))
    with ReaderPool(jobs if is_large(inputs) else 1) as pool:
        plan = make_plan(inputs, options, work, bounds, token, check=check)
        selection = _selection(plan, options, bounds, token)
        _delete_shards_of_other_plans(work, plan, selection, write=not check)
        reader = ShardReader(selection, memory or work, write=not check, keep=memory is None)
        dataset = _DatasetBuild(plan, options, reader, pool, folder, progress, token)
        if check:
            for _ in dataset.read_shards():
                pass
            dataset.write_reports()
            dataset.report_progress("done")
            return BuildResult(dataset.reports, dataset.report)
        pickle = write_atomically(folder / pickle_name, dataset.pickle(), digest=digest)
    statistics = dataset.statistics
    made = [
        pickle,
        write_atomically(folder / artifacts.LABEL_MAP_JSON, [artifacts.label_map_json(statistics.classes)]),
        write_atomically(folder / artifacts.LABEL_MAP_CSV, [artifacts.label_map_csv(statistics.classes)]),
    ]
    for name, text in configs(statistics, pickle_name).items():
        made.append(write_atomically(folder / name, [text.encode()]))
    dataset.report_progress("done")
    return BuildResult((*made, *dataset.reports), dataset.report)


def count_finished_shards(work: Path) -> int:
    """Number of finished shards in the `work` folder of a build."""
    return sum(1 for _ in work.glob("[0-9]*.part"))


class _DatasetBuild:
    """A build in progress: reads shards, handles faults, and yields the pickle.

    Statistics, the JSON report and the report files are set once all shards are read.
    """

    statistics: DatasetStatistics
    report: dict[str, Any]
    reports: tuple[Artifact, ...]

    def __init__(
        self,
        plan: Plan,
        options: AnnotationOptions,
        reader: ShardReader,
        pool: ReaderPool,
        folder: Path,
        progress: Callable[[Progress], None],
        token: CancelToken,
    ) -> None:
        self._plan, self._options, self._reader, self._pool = plan, options, reader, pool
        self._folder, self._progress, self._token = folder, progress, token
        self._started = time.monotonic()
        self._videos = [plan.videos[start : start + SHARD_SIZE] for start in range(0, len(plan.videos), SHARD_SIZE)]
        self._shards: list[Shard] = []
        self._files_read = self._clips = 0
        self._found = RunningReport(plan.splits)
        self._found.add((), (*plan.faults, *map(_missing_file, plan.missing)))

    def report_progress(self, stage: Stage, seconds_left: float | None = 0.0, rate: float | None = None) -> None:
        seconds = round(time.monotonic() - self._started, 3)
        files, found = len(self._plan.videos), self._found.to_json()
        self._progress(Progress(stage, self._files_read, files, self._clips, seconds, seconds_left, rate, found))

    def read_shards(self) -> Iterator[int]:
        """Read all shards that are not stored yet; yield the number of each shard, in order, once it is read."""
        stored = [self._reader.stored(number) for number in range(len(self._videos))]
        left = [(number, videos) for number, videos in enumerate(self._videos) if stored[number] is None]
        new = self._pool.read(left, self._reader, self._token)
        begun, done, files = time.monotonic(), 0, 0
        self.report_progress("keypoints", None)
        for number, before in enumerate(stored):
            shard = next(new) if before is None else before
            if before is None:
                done, files = done + 1, files + len(self._videos[number])
            self._found.add(shard.clips, shard.faults)
            self._shards.append(shard)
            self._files_read += len(self._videos[number])
            self._clips += len(shard.clips)
            yield number
            seconds = time.monotonic() - begun
            seconds_left = seconds / done * (len(left) - done) if done else None
            self.report_progress("keypoints", seconds_left, round(files / seconds, 1) if files and seconds else None)

    def pickle(self) -> Iterator[bytes | Path]:
        """Yield the pickle: header, shards, zeros, splits. Shards are written while others are read.

        Raises:
            FaultsError: there is a fault that the options do not allow.
            AnnotationError: the pickle would have no clip.
        """
        yield encode_header(self._options.dtype)
        for number in self.read_shards():
            self._token.raise_if_cancelled()
            yield self._reader.path(number)
            if not self._reader.keep:
                self._reader.path(number).unlink()
        self.write_reports()
        self._check_allowed()
        self.report_progress("writing")
        statistics = self.statistics
        names: dict[str, list[str]] = {split: [] for split in statistics.splits}
        for clip in statistics.clips:
            names[clip.split].append(clip.name)
            if clip.zeros:
                keypoint = np.zeros((1, clip.frames, statistics.points, 2), self._options.dtype)
                yield encode_annotation(clip.name, clip.label, statistics.img_shape, keypoint, keypoint[..., 0].copy())
        yield encode_splits(names, statistics.provenance)

    def write_reports(self) -> None:
        """Handle the faults and write the report, once all shards are read.

        A video without usable keypoints may be replaced by zeros, as many frames as the clips have on average.
        """
        clips = [clip for shard in self._shards for clip in shard.clips]
        average = int(sum(clip.frames for clip in clips) / len(clips) + 0.5) if clips else 0
        faults = list(self._plan.faults)

        def decide(fault: Fault, video: LabeledVideo) -> None:
            done = _DONE[self._options.missing if fault.kind in MISSING else self._options.faulty]
            if done == "zeros" and average:
                zeros = ClipStatistics(video.name, video.label, video.split, video.signer, frames=average, zeros=True)
                clips.append(zeros)
            elif done == "zeros":  # there is no clip whose length could be used
                done = "dropped"
            faults.append(replace(fault, done=done))

        for videos, shard in zip(self._videos, self._shards, strict=True):
            failed = iter(shard.failed)
            for fault in shard.faults:
                if fault.kind in MISSING or fault.kind in FAULTY:
                    decide(fault, videos[next(failed)])
                else:
                    faults.append(fault)
        for video in self._plan.missing:
            decide(_missing_file(video), video)
        self.statistics = self._statistics(clips, faults)
        self.report = report_json(self.statistics)
        text = orjson.dumps(self.report, option=orjson.OPT_INDENT_2)
        document = write_atomically(self._folder / artifacts.REPORT, [text])
        page = write_atomically(self._folder / artifacts.REPORT_PAGE, [report_page(self.report)])
        self.reports = (document, page)

    def _check_allowed(self) -> None:
        if self._plan.mismatch:
            raise FaultsError(self._plan.mismatch, self.report, self.reports)
        refused = [fault for fault in self.statistics.faults if fault.done == "refused"]
        if refused:
            raise FaultsError(_refusal(refused), self.report, self.reports)
        if not self.statistics.clips:
            detail = "the dataset has no video: all were filtered out, missing, faulty or in no split"
            raise FaultsError(detail, self.report, self.reports)

    def _statistics(self, clips: Sequence[ClipStatistics], faults: Sequence[Fault]) -> DatasetStatistics:
        plan = self._plan
        shapes: Counter[tuple[int, int]] = Counter()
        for shard in self._shards:
            shapes.update({(height, width): count for height, width, count in shard.img_shapes})
        histograms = [np.array(shard.histogram, np.int64) for shard in self._shards if shard.clips]
        points = max((len(histogram) for histogram in histograms), default=0)
        return DatasetStatistics(
            options=self._options,
            clips=clips,
            splits=plan.splits,
            classes=plan.classes,
            faults=faults,
            filtered=plan.filtered,
            files=plan.files,
            labeled=plan.labeled,
            notes=plan.notes,
            points=points,
            layout=next((shard.layout for shard in self._shards if shard.layout), None),
            img_shape=max(shapes, key=lambda one: (shapes[one], one)) if shapes else self._options.img_shape or (0, 0),
            score_histogram=sum(histograms, np.zeros((points, SCORE_BINS), np.int64)),
            trimmed=sum(clip.frames < clip.frames_read for clip in clips),
            seconds=time.monotonic() - self._started,
            sources=plan.sources,
            split_column=plan.split_column,
            assumed=plan.assumed,
            mismatch=plan.mismatch,
        )


def _missing_file(video: LabeledVideo) -> Fault:
    return Fault("no_file", video.name, "labeled, but no keypoint file has this name")


def _refusal(refused: Sequence[Fault]) -> str:
    """The message about faults that the options do not allow; it has the options that would allow them."""
    kinds = Counter(fault.kind for fault in refused)
    named = ", ".join(f"{fault.name} ({fault.kind})" for fault in refused[:_MAX_NAMED])
    more = f" and {len(refused) - _MAX_NAMED:,} more" if len(refused) > _MAX_NAMED else ""
    ways = [
        f"options.{option} = {values}"
        for option, values, concerned in (
            ("missing", '"zeros" or "drop"', MISSING),
            ("faulty", '"drop" or "zeros"', FAULTY),
            ("split_policy", '"drop" or "first"', {"in_two_splits", "in_no_split", "unknown_to_labels"}),
        )
        if any(kind in concerned for kind in kinds)
    ]
    return f"{len(refused):,} videos cannot be used: {named}{more}. Correct them, or set {' and '.join(ways)}"


def _selection(plan: Plan, options: AnnotationOptions, bounds: Bounds, token: CancelToken) -> KeypointSelection:
    select = tuple(options.select) if isinstance(options.select, list) else options.select
    for layout in (options.layout, select):
        if isinstance(layout, str):
            get_layout(layout)
    selection = KeypointSelection(
        select,
        options.dtype,
        options.img_shape,
        options.layout,
        options.interpretation,
        missing_points=options.missing_points,
        cut_to_range=options.frame_range == "apply",
        bounds=bounds,
    )
    if isinstance(select, str):
        return selection
    points, names = _most_common_points(plan.videos, selection, token)
    selection = replace(selection, points=points, names=names)
    if select is None:
        return selection
    bounds.check("max_keypoints", len(select), "points to select", field="options.select")
    if selection.points is not None and max(select) >= selection.points:
        raise AnnotationError(
            f"select has point {str(max(select))[:20]}, but the files have {selection.points} points, "
            f"0 to {selection.points - 1}",
            field="options.select",
        )
    return selection


def _most_common_points(
    videos: Sequence[LabeledVideo], selection: KeypointSelection, token: CancelToken
) -> tuple[int | None, tuple[str, ...]]:
    """The most common V and point names among files sampled evenly from all; None if none can be read.

    If points are selected by index, or all are taken, only this reveals files with other points.
    """
    counts: Counter[tuple[int, tuple[str, ...]]] = Counter()
    step = max(1, len(videos) // _SAMPLED_FILES)
    # If none of the first files can be read, others are tried: all clips of a dataset must have the same points.
    for position in chain.from_iterable(range(first, len(videos), step) for first in range(step)):
        if position % step and counts:
            break
        token.raise_if_cancelled()
        options = ReadOptions(
            selection.img_shape or _ANY_SHAPE,
            selection.layout,
            interpretation=replace(selection.interpretation, plausibility="ignore"),
            bounds=selection.bounds,
        )
        file = videos[position].file
        try:
            clips = read(file.read(selection.bounds) if file else b"", options=options)
            counts.update((clip.points, clip.layout.points if clip.layout else ()) for clip in clips)
        except InputError:
            continue
    return counts.most_common(1)[0][0] if counts else (None, ())


def _delete_shards_of_other_plans(work: Path, plan: Plan, selection: KeypointSelection, *, write: bool) -> None:
    """Delete shards of another plan, since options, labels or files of a mounted folder may have changed."""
    digest = hashlib.sha256(repr((selection, SHARD_SIZE, write)).encode())
    for video in plan.videos:
        file = f"{video.file.name}\0{video.file.stamp()}" if video.file else ""
        digest.update(f"{video.name}\0{video.label}\0{video.split}\0{video.last}\0{video.range}\0{file}\n".encode())
    path = work / "plan.txt"
    if not path.exists() or path.read_text() != digest.hexdigest():
        for shard in work.glob("*.part"):
            shard.unlink()
        write_atomically(path, [digest.hexdigest().encode()])
