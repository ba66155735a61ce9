"""Progress of uploads, builds, downloads and clips, for a callback or a bar in the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a stage.

    Attributes:
        stage: ``clips``, ``upload``, ``download``; of a build ``waiting``, ``labels``, ``keypoints``, ``writing``.
        done: number of units that are done.
        total: number of all units; None if it is not known.
        unit: ``clips``, ``bytes`` or ``files``.
    """

    stage: str
    done: int
    total: int | None
    unit: str


ProgressCallback = Callable[[Progress], None]


@contextmanager
def progress_callback(progress: bool | ProgressCallback) -> Iterator[ProgressCallback]:
    """The callback for an argument `progress`: for True it shows bars on standard error, for False it does nothing."""
    if progress is False:
        yield lambda _: None
    elif progress is True:
        with _bars() as show:
            yield show
    else:
        yield progress


@contextmanager
def _bars() -> Iterator[ProgressCallback]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.fields[of]} {task.fields[unit]}"),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, int] = {}

        def show(progress: Progress) -> None:
            of = "?" if progress.total is None else f"{progress.total:,}"
            if progress.stage not in tasks:
                tasks[progress.stage] = int(bars.add_task(progress.stage, unit=progress.unit, of=of))
            bars.update(tasks[progress.stage], completed=progress.done, total=progress.total, of=of)  # type: ignore[arg-type]

        yield show
