"""Run: a build under way, from the first part that is read to what is decided on."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from heatsvc.annotation.annotation_pickle import fragment, head, tail
from heatsvc.annotation.crew import Crew
from heatsvc.annotation.errors import AnnotationError, FaultsError
from heatsvc.annotation.facts import SCORE_BINS, ClipFacts, DatasetFacts
from heatsvc.annotation.faults import FAULTY, MISSING, Fault
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.plan import Absent, Plan
from heatsvc.annotation.progress import Progress, Stage
from heatsvc.annotation.reading import PartFacts, Reading, Task
from heatsvc.annotation.reading.part import known_part, part_path
from heatsvc.annotation.report import report_json
from heatsvc.pose.layouts import get_layout

PART = 256
"""Videos in a part: some megabytes, some hundredths of a second."""

_DONE = {"zeros": "zeros", "drop": "dropped", "error": "refused"}
_REFUSALS_NAMED = 8


class Run:
    """A build under way: what was read so far, and what follows from it.

    Attributes:
        facts: of the dataset, once it was decided on.
        report: the same as JSON.
    """

    facts: DatasetFacts
    report: dict[str, Any]

    def __init__(
        self,
        plan: Plan,
        options: AnnotationOptions,
        reading: Reading,
        progress: Callable[[Progress], None],
        keep_going: Callable[[], None],
    ) -> None:
        self._plan, self._options, self._reading = plan, options, reading
        self._progress, self._keep_going = progress, keep_going
        self._started = time.monotonic()
        self._parts = [plan.tasks[start : start + PART] for start in range(0, len(plan.tasks), PART)]
        self._read: list[PartFacts] = []
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

    def read(self, crew: Crew) -> Iterator[int]:
        """Read all parts that are not there yet; the number of each part, in order, when it is there."""
        known = [known_part(self._reading.folder, number) for number in range(len(self._parts))]
        left = [(number, tasks) for number, tasks in enumerate(self._parts) if known[number] is None]
        new = crew.read(left, self._reading, self._keep_going)
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

    def pickle(self, crew: Crew, decided: Callable[[], None]) -> Iterator[bytes | Path]:
        """The pickle's bytes: head, the parts as they come, zeros, tail. A part is on its way while others are read.

        Args:
            decided: called when all is read.
        """
        yield head(self._options.dtype)
        for number in self.read(crew):
            self._keep_going()
            yield part_path(self._reading.folder, number)
            if not self._reading.keep:
                part_path(self._reading.folder, number).unlink()
        decided()
        self.tell("writing")
        facts = self.facts
        names: dict[str, list[str]] = {split: [] for split in facts.splits}
        for clip in facts.clips:
            names[clip.split].append(clip.name)
            if clip.zeros:
                keypoint = np.zeros((1, clip.frames, facts.points, 2), facts.options.dtype)
                yield fragment(clip.name, clip.label, facts.img_shape, keypoint, keypoint[..., 0].copy())
        yield tail(names)

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
                zeros = ClipFacts(video.name, video.label, video.split, video.signer, frames=average, zeros=True)
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

    def _facts(self, clips: Sequence[ClipFacts], faults: Sequence[Fault]) -> DatasetFacts:
        plan = self._plan
        shapes: Counter[tuple[int, int]] = Counter()
        for facts in self._read:
            shapes.update({(height, width): count for height, width, count in facts.img_shapes})
        histograms = [np.array(facts.histogram, np.int64) for facts in self._read if facts.clips]
        points = max((len(histogram) for histogram in histograms), default=0)
        layout = next((facts.layout for facts in self._read if facts.layout), "")
        return DatasetFacts(
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
