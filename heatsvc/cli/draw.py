"""`heatsvc draw`: render keypoint files as arrays, pictures or videos."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Group, Parameter

from heatsvc.api.heatmap_schemas import HeatmapOptions
from heatsvc.api.request import read_options
from heatsvc.bounds import usable_cores
from heatsvc.cancel import CancelToken
from heatsvc.cli.errors import CommandError, UsageError, describe_error
from heatsvc.cli.heatmap_files import (
    FILE_FORMATS,
    atomic_file,
    plan_file,
    rendering_settings,
    write_job,
)
from heatsvc.cli.heatmap_options import DRAW, DrawParameters, heatmap_options
from heatsvc.cli.output import Json, print_error, print_json, progress_bar
from heatsvc.cli.sources import KeypointSource, find_sources, options_refused
from heatsvc.cli.stopping import stopped_by_signals
from heatsvc.cli.target import OutputPaths, Target, WrittenFile
from heatsvc.encode.formats import PICTURES
from heatsvc.encode.job import PlannedVolume, RenderJob
from heatsvc.errors import InputError
from heatsvc.pose import PoseClip
from heatsvc.pose.findings import Code
from heatsvc.settings import Settings

if TYPE_CHECKING:
    from rich.progress import Progress

    from heatsvc.cli.remote import RemoteDrawing

_FILES = Group("Files", sort_key=1)


def draw(
    files: Annotated[
        list[str],
        Parameter(
            name="FILE...",
            group=_FILES,
            negative=(),
            allow_leading_hyphen=True,
            validator=options_refused(
                "draw", ("--output", "--format", "--jobs", "--url", "--json", *DRAW.flags.values())
            ),
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
        Parameter(
            group=_FILES, help=f"Format, instead of the extension of OUT: {', '.join(FILE_FORMATS)}. For a folder npy."
        ),
    ] = None,
    jobs: Annotated[int, Parameter(group=_FILES, help="Files that are drawn at a time; 0: one per core.")] = 0,
    url: Annotated[
        str | None, Parameter(group=_FILES, help="URL of a service that renders, `http://HOST:8000`.")
    ] = None,
    api_key: Annotated[
        str | None, Parameter(group=_FILES, env_var="HEATSVC_API_KEY", help="API key of the service, if it needs one.")
    ] = None,
    json: Annotated[Json, Parameter(group=_FILES)] = False,
    options: Annotated[DrawParameters | None, Parameter(name="*")] = None,  # type: ignore[valid-type]
) -> int:
    """Render keypoint files. The exit status is 1 if some could not be drawn."""
    chosen = heatmap_options(DRAW, options)
    target = Target.from_options(output, format)
    given = DRAW.document(options).get("picture", {})
    if given and target.format not in PICTURES.values():
        raise UsageError(
            f"{DRAW.flags[next(iter(given))]} is an option of pictures and videos, and .{target.extension} is neither: "
            f"give --format {', '.join(PICTURES)}"
        )
    if target.is_standard_output and json:
        raise UsageError("--json and the heatmaps cannot both be on standard output: give a file as --output")
    sources = find_sources(files)
    if target.path is not None and not target.format.many and len(sources) > 1:
        raise UsageError(target.too_many_message(len(sources), "files"))
    workers = jobs if jobs > 0 else usable_cores()
    with ExitStack() as stack:
        stack.enter_context(stopped_by_signals())
        bar = stack.enter_context(progress_bar())
        drawing: Drawing | RemoteDrawing
        if url is not None:
            from heatsvc.cli.remote import RemoteDrawing, connect

            client = stack.enter_context(connect(url, api_key))
            drawing = RemoteDrawing(client, DRAW.document(options), target, sources, workers, bar)
        else:
            drawing = Drawing(chosen, target, rendering_settings("heatsvc draw"), sources, workers, bar)
        try:
            drawing.draw()
        except KeyboardInterrupt:
            done = f"{len(drawing.written):,} files are" if drawing.written else "nothing was"
            print_error("heatsvc draw", f"stopped; {done} written")
            raise
    if drawing.failed and drawing.total > 1:
        print_error("heatsvc draw", f"{drawing.failed:,} of {drawing.total:,} could not be drawn")
    if json:
        print_json([vars(file) for file in drawing.written])
    return 1 if drawing.failed else 0


class Drawing:
    """Renders clips to files in this process, several at a time.

    Args:
        options: of all clips.
        target: where the files are written.
        settings: with the bounds of reading and rendering.
        sources: the files to read.
        jobs: number of files that are read, or clips that are rendered, at a time.
        bar: shows the progress.

    Attributes:
        written: the files that were written so far, in any order.
        failed: number of files and clips that could not be drawn.
        total: number of clips, as far as it is known; a file that is not read yet counts as one.
    """

    def __init__(
        self,
        options: HeatmapOptions,
        target: Target,
        settings: Settings,
        sources: Sequence[KeypointSource],
        jobs: int,
        bar: Progress,
    ) -> None:
        self._options, self._target, self._settings = options, target, settings
        self._sources, self._jobs, self._bar = sources, jobs, bar
        self._token = CancelToken()
        self._reading = read_options(options, settings.bounds.for_local_files(), self._token)
        self._lock = Lock()
        self._paths = OutputPaths(sources)
        self._findings: Counter[Code] = Counter()
        self._details: dict[Code, str] = {}
        self._task = bar.add_task("drawing", total=len(sources))
        self.written: list[WrittenFile] = []
        self.failed = 0
        self.total = len(sources)

    def draw(self) -> None:
        """Write a file for each clip, or one for all; then print a line for each kind of finding.

        If each clip has a file, a source or clip that cannot be drawn is reported, and the others are drawn.

        Raises:
            CommandError: one file for all clips: a source cannot be read, or a clip cannot be rendered.
            UsageError: one file for all clips: its format holds one clip, and there are several.
            OSError: a file cannot be written.
        """
        if self._target.path is None:
            self._in_threads(self._draw_source)
        else:
            self._draw_together(self._target.path)
        for code, count in self._findings.items():
            often = f" (and {count - 1:,} more)" if count > 1 else ""
            print_error("heatsvc draw", f"warning: {self._details[code]}{often}")

    def _draw_together(self, path: str) -> None:
        read: dict[int, list[PoseClip]] = {}

        def read_source(source: KeypointSource, position: int) -> None:
            try:
                read[position] = source.read(self._reading, self._options.frame_dirs)
            except (InputError, OSError) as error:
                raise CommandError(_reason(error, source.title)) from None
            self._bar.advance(self._task)

        self._in_threads(read_source)
        clips = [clip for position in sorted(read) for clip in read[position]]
        if not clips:
            raise CommandError(f"no clip is called {' or '.join(self._options.frame_dirs or ())}")
        if len(clips) > 1 and not self._target.format.many:
            raise UsageError(self._target.too_many_message(len(clips), "clips"))
        try:
            if not self._target.is_standard_output:
                self._paths.reserve(Path(path), "")
            job = self._plan(clips, self._options)
        except InputError as error:
            title = self._sources[0].title if len(self._sources) == 1 else ""
            raise CommandError(describe_error(error, DRAW.flags, title)) from None
        if self._target.is_standard_output:
            write_job(job, sys.stdout.buffer)
        else:
            with atomic_file(Path(path)) as file:
                write_job(job, file)
        self._add_written(path, [source.title for source in self._sources], job)

    def _in_threads(self, work: Callable[[KeypointSource, int], None]) -> None:
        """Call a function for each source and its index, in threads.

        Raises:
            BaseException: an error of the function, or KeyboardInterrupt, after the other calls were cancelled.
        """
        with ThreadPoolExecutor(min(self._jobs, len(self._sources))) as pool:
            futures = [pool.submit(work, source, position) for position, source in enumerate(self._sources)]
            try:
                for future in as_completed(futures):
                    future.result()
            except BaseException:
                self._token.cancel()
                pool.shutdown(cancel_futures=True)
                raise

    def _draw_source(self, source: KeypointSource, position: int) -> None:
        try:
            clips = source.read(self._reading, self._options.frame_dirs)
        except (InputError, OSError) as error:
            self._report(_reason(error, source.title))
            return
        with self._lock:
            self.total += len(clips) - 1
            self._bar.update(self._task, total=self.total)
        # If there are few sources with many clips, such as a pickle, several clips of a source are drawn at a time.
        with ThreadPoolExecutor(max(1, self._jobs // len(self._sources))) as pool:
            futures = [
                pool.submit(
                    self._draw_clip, clip, source.name_of(clip.frame_dir, index, len(clips)), source, position + index
                )
                for index, clip in enumerate(clips)
            ]
            for future in futures:
                future.result()

    def _draw_clip(self, clip: PoseClip, name: str, source: KeypointSource, index: int) -> None:
        self._token.raise_if_cancelled()
        path = self._target.path_of(name)
        try:
            self._paths.reserve(path, source.title)
            job = self._plan([clip], self._options_of(index))
        except InputError as error:
            self._report(_reason(error, source.title))
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path) as file:
            write_job(job, file)
        self._add_written(str(path), [source.title], job)
        self._bar.advance(self._task)

    def _options_of(self, index: int) -> HeatmapOptions:
        """The options of a clip, with a seed of its own where one is given."""
        seed = self._options.seed
        return self._options if seed is None else self._options.model_copy(update={"seed": (seed + index) % 2**32})

    def _plan(self, clips: Sequence[PoseClip], options: HeatmapOptions) -> RenderJob:
        job, request = plan_file(clips, options, self._target.format, self._settings, self._token)
        with self._lock:
            self._findings.update(request.report.clips)
            for code, detail in request.report.details.items():
                self._details.setdefault(code, detail)
        return job

    def _report(self, message: str) -> None:
        with self._lock:
            self.failed += 1
            print_error("heatsvc draw", message)
        self._bar.advance(self._task)

    def _add_written(self, file: str, sources: list[str], job: RenderJob) -> None:
        volumes = [_describe(planned) for planned in job.writer.volumes]
        with self._lock:
            self.written.append(WrittenFile(file, sources, volumes))


def _reason(error: InputError | OSError, title: str) -> str:
    """Why a file cannot be drawn."""
    if isinstance(error, InputError):
        return describe_error(error, DRAW.flags, title)
    return f"{error.filename or title}: {error.strerror or error}"


def _describe(planned: PlannedVolume) -> dict[str, Any]:
    """Name, shape and type of a volume in a file. The shape of a picture is that of its frames, in RGB."""
    picture = planned.picture
    shape = planned.shape if picture is None else (len(picture.numbers), *picture.frame_shape, 3)
    return {"name": planned.name, "shape": list(shape), "dtype": planned.dtype}
