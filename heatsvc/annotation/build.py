"""Build: files in, a finished dataset out. The same for the command and for the service."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from heatsvc.annotation import artifacts
from heatsvc.annotation.artifacts import Artifact, write_whole
from heatsvc.annotation.configs import configs
from heatsvc.annotation.crew import Crew, is_large
from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.inputs import Inputs
from heatsvc.annotation.label_map import label_map_csv, label_map_json
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.plan import Plan, make_plan
from heatsvc.annotation.progress import Progress, nobody
from heatsvc.annotation.reading import Reading
from heatsvc.annotation.reading.points import Choice
from heatsvc.annotation.report import report_page
from heatsvc.annotation.run import PART, Run
from heatsvc.annotation.sample import most_common_points
from heatsvc.bounds import DEFAULT_BOUNDS, Bounds, go_on
from heatsvc.pose.layouts import get_layout


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
    digest: bool = True,
    memory: Path | None = None,
    work: Path | None = None,
) -> Built:
    """Build a dataset in a folder; a build that was cut off there goes on from where it was.

    Args:
        inputs: the files.
        options: what is to become of them.
        folder: where the artifacts go, each whole or not at all.
        check: read everything and report, but write no pickle.
        jobs: processes that read keypoints, where there are so many that it is worth them; 1 reads in this one.
        bounds: how large a file may be.
        progress: told some times a second.
        keep_going: called now and then; raises what should end the work.
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
    with Crew(jobs if is_large(inputs) else 1) as crew:
        plan = make_plan(inputs, options, work, bounds, keep_going, check=check)
        reading = _reading(plan, options, work, not check, bounds, crew.has_processes, keep_going)
        if memory is not None:
            reading = replace(reading, folder=memory, keep=False)
        run = Run(plan, options, reading, progress, keep_going)

        def decided() -> None:
            """All is read: tell of it, and go on only if it may be as it is."""
            run.decide()
            text = orjson.dumps(run.report, option=orjson.OPT_INDENT_2)
            reports.append(write_whole(folder / artifacts.REPORT, [text]))
            reports.append(write_whole(folder / artifacts.REPORT_PAGE, [report_page(run.report)]))
            if not check:
                run.check_allowed()

        if check:
            for _ in run.read(crew):
                pass
            decided()
        else:
            made.append(write_whole(folder / pickle_name, run.pickle(crew, decided), digest=digest))
    if not check:
        made.append(write_whole(folder / artifacts.LABEL_MAP_JSON, [label_map_json(run.facts.classes)]))
        made.append(write_whole(folder / artifacts.LABEL_MAP_CSV, [label_map_csv(run.facts.classes)]))
        for name, text in configs(run.facts, pickle_name).items():
            made.append(write_whole(folder / name, [text.encode()]))
    run.tell("done")
    return Built((*made, *reports), run.report)


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
    keep_going: Callable[[], None],
) -> Reading:
    """How parts are to be read; parts of another plan are removed.

    Raises:
        LayoutError: a layout that is none.
        AnnotationError, LimitError: positions that most files do not have, none, or too many.
    """
    select = tuple(options.select) if isinstance(options.select, list) else options.select
    for layout in (options.layout, select):
        if isinstance(layout, str):
            get_layout(layout)
    choice = Choice(select, options.dtype, options.img_shape, options.layout, bounds=bounds)
    if not isinstance(select, str):
        choice = replace(choice, points=most_common_points(plan.tasks, choice, keep_going))
        _check_positions(choice)
    # A mounted folder may have changed since the parts were read.
    digest = hashlib.sha256(repr((choice, PART, write)).encode())
    for task in plan.tasks:
        file = task.file
        digest.update(f"{task.name}\0{task.label}\0{task.split}\0{task.last}\0{file.name}\0{file.stamp()}\n".encode())
    note = work / "plan.txt"
    if not note.exists() or note.read_text() != digest.hexdigest():
        for path in work.glob("*.part"):
            path.unlink()
        write_whole(note, [digest.hexdigest().encode()])
    return Reading(replace(choice, compiled=compiled), work, write)


def _check_positions(choice: Choice) -> None:
    """What no file can be read with is the options' fault, and not that of every file.

    Raises:
        AnnotationError, LimitError: as _reading.
    """
    if not isinstance(choice.select, tuple):
        return
    choice.bounds.check("max_keypoints", len(choice.select), "points to select", field="options.select")
    if not choice.select:
        raise AnnotationError("select names no point: name some, or null for all", field="options.select")
    if choice.points is not None and max(choice.select) >= choice.points:
        raise AnnotationError(
            f"select names point {str(max(choice.select))[:20]}, and the files have {choice.points}: "
            f"0 to {choice.points - 1}",
            field="options.select",
        )
