"""`heatsvc draw`: keypoint files as arrays, pictures or videos."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Annotated, Any, TypeVar

from cyclopts import Group, Parameter

from heatsvc.api.heatmap_schemas import HeatmapOptions
from heatsvc.api.request import read_options
from heatsvc.bounds import usable_cores
from heatsvc.cancel import CancelToken
from heatsvc.cli.errors import CommandError, UsageError, as_typed
from heatsvc.cli.heatmap_files import FILE_FORMATS, find_format, plan_file, write_file, write_job
from heatsvc.cli.heatmap_options import DRAW, DrawParameters, heatmap_options
from heatsvc.cli.output import Json, print_error, print_json, progress_bar
from heatsvc.cli.sources import KeypointSource, find_sources
from heatsvc.encode.formats import Format
from heatsvc.encode.job import PlannedVolume, RenderJob
from heatsvc.errors import InputError
from heatsvc.kernels import KERNELS
from heatsvc.pose import PoseClip
from heatsvc.pose.findings import Code
from heatsvc.pose.plausibility import PlausibilityReport
from heatsvc.settings import Settings, load_settings

Result = TypeVar("Result")

STANDARD_OUTPUT = "-"
_NAME = "{name}"
_FILES = Group("Files", sort_key=1)


def draw(
    files: Annotated[
        list[str],
        Parameter(
            name="FILE",
            group=_FILES,
            negative=(),
            allow_leading_hyphen=True,
            help="Keypoint files, folders with all below them, patterns such as `'*.npy'`, or `-` for standard input.",
        ),
    ],
    /,
    *,
    output: Annotated[
        str,
        Parameter(
            name=("--output", "-o"),
            group=_FILES,
            allow_leading_hyphen=True,
            metavar="OUT",
            help="A file, a folder (`heatmaps/`), a name for each clip (`pictures/{name}.png`), or `-` for standard "
            "output. A file of .npz, .safetensors or .json holds all clips.",
        ),
    ],
    format: Annotated[
        str | None,
        Parameter(group=_FILES, help=f"In place of the extension: {', '.join(FILE_FORMATS)}. Of folders: npy."),
    ] = None,
    jobs: Annotated[int, Parameter(group=_FILES, help="Files that are drawn at a time; 0: one per core.")] = 0,
    json: Annotated[Json, Parameter(group=_FILES)] = False,
    options: Annotated[DrawParameters | None, Parameter(name="*")] = None,  # type: ignore[valid-type]
) -> int:
    """Draw them; the exit status is 1 where some could not be drawn."""
    chosen = heatmap_options(DRAW, options)
    target = Target.of(output, format)
    if target.is_standard_output and json:
        raise UsageError("--json and the heatmaps cannot both be on standard output: give a file as --output")
    settings = load_settings()
    KERNELS.use(settings.kernels)
    if KERNELS.hint:
        print_error("heatsvc draw", f"warning: rendered with NumPy, many times slower: {KERNELS.hint}")
    sources = find_sources(files)
    if target.path is not None and not target.format.many and len(sources) > 1:
        raise UsageError(target.too_many(len(sources), "files"))
    drawing = Drawing(chosen, target, settings)
    try:
        status = drawing.draw_together(sources, jobs) if target.path is not None else drawing.draw_each(sources, jobs)
    except KeyboardInterrupt:
        done = f"{len(drawing.written):,} files are" if drawing.written else "nothing was"
        print_error("heatsvc draw", f"stopped; {done} written")
        raise
    drawing.print_warnings()
    if json:
        print_json([vars(file) for file in drawing.written])
    return status


@dataclass(frozen=True)
class Target:
    """Where heatmaps are written.

    Attributes:
        format: of the files.
        extension: of the format.
        path: the only file, ``-`` for standard output; None where each clip has its own.
        template: of the path of each clip, with ``{name}``.
    """

    format: Format
    extension: str
    path: str | None = None
    template: str = ""

    @classmethod
    def of(cls, output: str, format: str | None) -> Target:
        """What --output and --format mean.

        Raises:
            UsageError: an unknown format, a folder that is missing, or a terminal.
        """
        if output == STANDARD_OUTPUT:
            if sys.stdout.isatty():
                raise UsageError("--output -: standard output is a terminal: give a file, or pipe it to a program")
            return cls(find_format(format or "npy", "--format"), format or "npy", path=output)
        if output.endswith("/") or Path(output).is_dir():
            extension = format or "npy"
            return cls(
                find_format(extension, "--format"), extension, template=f"{output.rstrip('/')}/{_NAME}.{extension}"
            )
        extension = format or Path(output).suffix.removeprefix(".")
        found = find_format(extension, "--format" if format else f"--output {output}")
        if _NAME in output:
            return cls(found, extension, template=output)
        if not Path(output).absolute().parent.is_dir():
            raise UsageError(f"--output {output}: the folder {Path(output).parent} does not exist")
        return cls(found, extension, path=output)

    @property
    def is_standard_output(self) -> bool:
        """Whether the bytes go to a pipe."""
        return self.path == STANDARD_OUTPUT

    def too_many(self, count: int, what: str) -> str:
        """The message about several clips for a file that holds one."""
        return (
            f"{count:,} {what} do not fit into one .{self.extension}: give a folder (-o heatmaps/), a name for each "
            f"(-o '{_NAME}.{self.extension}'), or one .safetensors or .npz"
        )

    def path_of(self, name: str) -> Path:
        """The file of a clip."""
        return Path(self.template.replace(_NAME, name))


@dataclass(frozen=True)
class WrittenFile:
    """A file of heatmaps: its path, what it was drawn from, and name, shape and type of each volume in it."""

    file: str
    sources: list[str]
    volumes: list[dict[str, Any]]


class Drawing:
    """Clips to files, several at a time.

    Args:
        options: of all clips.
        target: where the files go.
        settings: their bounds.

    Attributes:
        written: what was written so far, in no order.
    """

    def __init__(self, options: HeatmapOptions, target: Target, settings: Settings) -> None:
        self._options, self._target, self._settings = options, target, settings
        self._token = CancelToken()
        self._reading = read_options(options, settings.bounds, self._token)
        self._lock = Lock()
        self._names: dict[Path, str] = {}
        self._findings: Counter[Code] = Counter()
        self._details: dict[Code, str] = {}
        self.written: list[WrittenFile] = []

    def draw_each(self, sources: Sequence[KeypointSource], jobs: int) -> int:
        """A file for each clip; a source that cannot be drawn is reported, and the others are drawn."""
        failed = 0

        def report(message: str) -> None:
            nonlocal failed
            failed += 1
            print_error("heatsvc draw", message)

        self._in_threads(self._draw_source, sources, jobs, report)
        if failed and len(sources) > 1:
            print_error("heatsvc draw", f"{failed:,} of {len(sources):,} files could not be drawn")
        return 1 if failed else 0

    def draw_together(self, sources: Sequence[KeypointSource], jobs: int) -> int:
        """One file, of all clips.

        Raises:
            CommandError: a source that cannot be read, or clips that cannot be in one file.
            UsageError: several clips for a format of one.
        """

        def report(message: str) -> None:
            raise CommandError(message)

        clips = [clip for read in self._in_threads(self._read_source, sources, jobs, report) for clip in read]
        if not clips:
            raise CommandError(f"no clip is called {' or '.join(self._options.frame_dirs or ())}")
        if len(clips) > 1 and not self._target.format.many:
            raise UsageError(self._target.too_many(len(clips), "clips"))
        path = self._target.path or ""
        try:
            job = self._plan(clips, self._options)
            if self._target.is_standard_output:
                write_job(job, sys.stdout.buffer)
            else:
                write_file(job, Path(path))
        except InputError as error:
            title = sources[0].title if len(sources) == 1 else ""
            raise CommandError(as_typed(error, DRAW.flags, title)) from None
        self._add_written(path, [source.title for source in sources], job)
        return 0

    def print_warnings(self) -> None:
        """What is doubtful in the clips, a line for each kind."""
        for code, count in self._findings.items():
            often = f" (and {count - 1:,} more)" if count > 1 else ""
            print_error("heatsvc draw", f"warning: {self._details[code]}{often}")

    def _in_threads(
        self,
        work: Callable[[KeypointSource, int], Result],
        sources: Sequence[KeypointSource],
        jobs: int,
        report: Callable[[str], None],
    ) -> list[Result]:
        """The results of `work` for each source and its position, in their order; an error is reported.

        Raises:
            KeyboardInterrupt: all work is cancelled, and has ended.
        """
        results: dict[int, Result] = {}
        workers = min(jobs if jobs > 0 else usable_cores(), len(sources))
        with ThreadPoolExecutor(workers) as pool, progress_bar() as bar:
            line = bar.add_task("drawing", total=len(sources))
            futures = {pool.submit(work, source, position): position for position, source in enumerate(sources)}
            try:
                for future in as_completed(futures):
                    position = futures[future]
                    try:
                        results[position] = future.result()
                    except InputError as error:
                        report(as_typed(error, DRAW.flags, sources[position].title))
                    except OSError as error:
                        report(f"{error.filename or sources[position].title}: {error.strerror or error}")
                    bar.advance(line)
            except BaseException:
                self._token.cancel()
                pool.shutdown(cancel_futures=True)
                raise
        return [results[position] for position in sorted(results)]

    def _read_source(self, source: KeypointSource, position: int) -> list[PoseClip]:
        clips = source.read(self._reading)
        wanted = self._options.frame_dirs
        return clips if wanted is None else [clip for clip in clips if clip.frame_dir in wanted]

    def _draw_source(self, source: KeypointSource, position: int) -> None:
        clips = self._read_source(source, position)
        for index, clip in enumerate(clips):
            path = self._reserve(source.name_of(clip, index, len(clips)), source)
            job = self._plan([clip], self._options_of(position + index))
            path.parent.mkdir(parents=True, exist_ok=True)
            write_file(job, path)
            self._add_written(str(path), [source.title], job)

    def _options_of(self, index: int) -> HeatmapOptions:
        """The options of a clip, with a seed of its own where one is given."""
        seed = self._options.seed
        return self._options if seed is None else self._options.model_copy(update={"seed": (seed + index) % 2**32})

    def _reserve(self, name: str, source: KeypointSource) -> Path:
        """The path of a clip's file.

        Raises:
            InputError: another clip has it.
        """
        path = self._target.path_of(name)
        with self._lock:
            if path in self._names:
                raise InputError(f"a clip of {self._names[path]} is written to {path} already: give two folders")
            self._names[path] = source.title
        return path

    def _plan(self, clips: Sequence[PoseClip], options: HeatmapOptions) -> RenderJob:
        job, request = plan_file(clips, options, self._target.format, self._settings, self._token)
        self._add_findings(request.report)
        return job

    def _add_findings(self, report: PlausibilityReport) -> None:
        with self._lock:
            self._findings.update(report.clips)
            for code, detail in report.details.items():
                self._details.setdefault(code, detail)

    def _add_written(self, file: str, sources: list[str], job: RenderJob) -> None:
        volumes = [_describe(planned) for planned in job.writer.volumes]
        with self._lock:
            self.written.append(WrittenFile(file, sources, volumes))


def _describe(planned: PlannedVolume) -> dict[str, Any]:
    """Name, shape and type of a volume in a file; of a picture those of its frames."""
    picture = planned.picture
    shape = planned.shape if picture is None else (len(picture.numbers), *picture.frame_shape, 3)
    return {"name": planned.name, "shape": list(shape), "dtype": planned.dtype}
