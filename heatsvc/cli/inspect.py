"""`heatsvc inspect`: the contents of an annotation pickle or of keypoint files, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from heatsvc.api.heatmap_schemas import HeatmapOptions
from heatsvc.bounds import DEFAULT_BOUNDS
from heatsvc.cli.errors import CommandError, describe_error
from heatsvc.cli.heatmap_options import DESCRIPTIONS
from heatsvc.cli.model_options import ModelOptions
from heatsvc.cli.output import Json, print_json, printable
from heatsvc.errors import InputError, LimitError

if TYPE_CHECKING:
    from heatsvc.cli.sources import KeypointSource
    from heatsvc.pose import PoseClip

_MAX_FRAMES = 10_000_000
_PICKLES = (".pkl", ".pickle")
_ANY_SHAPE = (100_000, 100_000)
_SHOWN = 200
_READING = ("layout", "img_shape", "coordinates", "project")
_OPTIONS = ModelOptions(
    HeatmapOptions,
    skip=[name for name in HeatmapOptions.model_fields if name not in _READING],
    descriptions=DESCRIPTIONS,
    title="Properties that keypoint files may lack",
)
_ReadingOptions = _OPTIONS.parameters("_ReadingOptions", __name__)


def inspect(
    file: Annotated[
        str, Parameter(name="FILE", help="A pickle such as KETI.pkl, a file of keypoints, a folder or archive of them.")
    ],
    /,
    *,
    json: Json = False,
    options: Annotated[_ReadingOptions | None, Parameter(name="*")] = None,  # type: ignore[valid-type]
) -> int:
    """Show what a file holds. The exit status is 1 if it cannot be used."""
    path = Path(file)
    try:
        if path.suffix.lower() in _PICKLES or _is_pickle(path):
            return _inspect_pickle(path, json=json)
        return _inspect_keypoints(file, options, json=json)
    except InputError as error:
        # The limits are those of this command, which no setting changes.
        text = f"{error.reason} (limit {error.limit:,})" if isinstance(error, LimitError) else error.detail
        raise CommandError(text) from None


def _is_pickle(path: Path) -> bool:
    """Whether a file begins like a pickle of protocol 2 or later."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(1) == b"\x80"


def _inspect_pickle(path: Path, *, json: bool) -> int:
    from rich.console import Console

    from heatsvc.annotation.inspection.inspection import inspect_pickle
    from heatsvc.annotation.inspection.text import inspection_text

    inspection = inspect_pickle(path, replace(DEFAULT_BOUNDS.for_local_files(), max_frames=_MAX_FRAMES))
    if json:
        print_json({**asdict(inspection), "usable": inspection.usable})
    else:
        Console().print(inspection_text(inspection))
    return 0 if inspection.usable else 1


@dataclass(frozen=True)
class InspectedClip:
    """A clip of a keypoint file.

    Attributes:
        file: its path.
        frame_dir: its name.
        persons, frames, points: M, T, V; None if the clip cannot be read.
        layout: its name; None if it is unknown.
        img_shape: (height, width); None if neither the file nor an option has it.
        findings: impossible or doubtful numbers, as `Finding.as_dict` describes them.
        error: why the clip cannot be read; "" if it can.
    """

    file: str
    frame_dir: str = ""
    persons: int | None = None
    frames: int | None = None
    points: int | None = None
    layout: str | None = None
    img_shape: tuple[int, int] | None = None
    findings: Sequence[dict[str, Any]] = ()
    error: str = ""

    @property
    def is_usable(self) -> bool:
        """Whether it could be rendered."""
        return not self.error and not any(finding["severity"] == "impossible" for finding in self.findings)


def _inspect_keypoints(file: str, options: Any, *, json: bool) -> int:
    from heatsvc.cli.sources import find_sources

    chosen = _OPTIONS.validate(_OPTIONS.document(options))
    clips = [clip for source in find_sources([file]) for clip in _inspect_source(source, chosen)]
    if json:
        print_json({"clips": [asdict(clip) for clip in clips], "usable": all(clip.is_usable for clip in clips)})
    else:
        _print_clips(clips)
    return 0 if all(clip.is_usable for clip in clips) else 1


def _inspect_source(source: KeypointSource, options: HeatmapOptions) -> list[InspectedClip]:
    from heatsvc.pose.plausibility import PlausibilityReport
    from heatsvc.pose.readers import ReadOptions

    reading = ReadOptions(options.img_shape, options.layout, None, options.interpretation, DEFAULT_BOUNDS)
    try:
        clips, is_judged = source.read(reading), True
    except InputError as error:
        if error.field != "img_shape" or options.img_shape is not None:
            return [_unreadable(source, error)]
        # Without the size of the frame the positions of the points cannot be judged.
        ignored = replace(options.interpretation, plausibility="ignore")
        try:
            clips, is_judged = source.read(replace(reading, img_shape=_ANY_SHAPE, interpretation=ignored)), False
        except InputError as other:
            return [_unreadable(source, other)]

    def describe(clip: PoseClip) -> InspectedClip:
        found = [finding.as_dict() for finding in PlausibilityReport("warn").judge(clip)] if is_judged else []
        return InspectedClip(
            file=source.title,
            frame_dir=clip.frame_dir,
            persons=clip.persons,
            frames=clip.frames,
            points=clip.points,
            layout=clip.layout.name if clip.layout else None,
            img_shape=clip.img_shape if is_judged else None,
            findings=found,
        )

    return [describe(clip) for clip in clips]


def _unreadable(source: KeypointSource, error: InputError) -> InspectedClip:
    text = describe_error(error, _OPTIONS.flags, source.title)
    return InspectedClip(source.title, error=text.removeprefix(f"{source.title}: "))


def _print_clips(clips: Sequence[InspectedClip]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("clip", overflow="fold")
    for column in ("persons", "frames", "points"):
        table.add_column(column, justify="right")
    table.add_column("layout")
    table.add_column("img_shape")
    for clip in clips[:_SHOWN]:
        numbers = ["" if number is None else f"{number:,}" for number in (clip.persons, clip.frames, clip.points)]
        shape = "x".join(map(str, clip.img_shape)) if clip.img_shape else "not known"
        known = ("", "") if clip.error else (clip.layout or "not known", shape)
        table.add_row(Text(printable(clip.frame_dir or Path(clip.file).name)), *numbers, *known)
    console = Console()
    console.print(table)
    if not all(clip.img_shape or clip.error for clip in clips):
        console.print(
            "Where img_shape is not known, give --img-shape: without it no coordinates are checked.", style="dim"
        )
    if len(clips) > _SHOWN:
        console.print(f"... and {len(clips) - _SHOWN:,} clips more", style="dim")
    for clip in clips:
        if clip.error:
            console.print(Text(f"\n{printable(clip.file)}: ", style="bold") + Text(printable(clip.error), style="red"))
        for finding in clip.findings:
            style = "red" if finding["severity"] == "impossible" else "yellow"
            console.print(
                Text(f"\n{printable(clip.frame_dir or clip.file)}: ", style="bold")
                + Text(finding["severity"], style=style)
                + Text(f": {printable(finding['detail'])}")
            )
