"""Progress of uploads, builds, downloads and clips: as a callback receives it, or as a bar in the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """How far something is.

    Attributes:
        stage: ``clips``, ``upload``, ``download``; of a build ``waiting``, ``labels``, ``keypoints``, ``writing``.
        done: how much of it.
        total: how much there is; None where that is not known.
        unit: ``clips``, ``bytes`` or ``files``.
    """

    stage: str
    done: int
    total: int | None
    unit: str


ProgressCallback = Callable[[Progress], None]


@contextmanager
def progress_callback(progress: bool | ProgressCallback) -> Iterator[ProgressCallback]:
    """The callback itself; for True one that shows bars on standard error, and for False one that does nothing."""
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
        TextColumn("{task.description}"),
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
