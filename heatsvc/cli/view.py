"""`heatsvc view`: play the heatmaps of a clip in the terminal."""

from __future__ import annotations

import logging
import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Group, Parameter
from rich.console import Console
from rich.control import Control

from heatsvc.api.heatmap_schemas import HeatmapOptions
from heatsvc.api.request import read_options
from heatsvc.cancel import NEVER_CANCELLED
from heatsvc.cli.errors import CommandError, UsageError, describe_error
from heatsvc.cli.heatmap_files import atomic_file, find_format, plan_file, rendering_settings, write_job
from heatsvc.cli.heatmap_options import VIEW, ViewParameters, heatmap_options
from heatsvc.cli.sources import find_sources, options_refused
from heatsvc.encode.formats import PICTURES
from heatsvc.errors import InputError
from heatsvc.pose import PoseClip
from heatsvc.render.picture import Picture
from heatsvc.settings import Settings

Show = Literal["auto", "sixel", "kitty", "blocks", "text"]

_FILES = Group("File", sort_key=1)
_MIN_COLUMNS = 16


def view(
    file: Annotated[
        str,
        Parameter(
            name="FILE",
            group=_FILES,
            allow_leading_hyphen=True,
            validator=options_refused("view", ("--output", "--show", "--loop", *VIEW.flags.values())),
            help="A file of keypoints, a folder of frame files, or `-` for standard input.",
        ),
    ],
    /,
    *,
    output: Annotated[
        str | None,
        Parameter(name=("--output", "-o"), group=_FILES, help="A .gif, .png, .webp or .mp4 instead of the terminal."),
    ] = None,
    show: Annotated[
        Show,
        Parameter(
            group=_FILES,
            help="How the terminal shows pixels. `auto` asks it; `blocks` are colored half blocks, `text` shades "
            "without colors.",
        ),
    ] = "auto",
    loop: Annotated[
        bool, Parameter(group=_FILES, negative=(), show_default=False, help="Repeat until Ctrl-C.")
    ] = False,
    options: Annotated[ViewParameters | None, Parameter(name="*")] = None,  # type: ignore[valid-type]
) -> None:
    """Play a clip. If standard output is no terminal, print its middle frame."""
    chosen = heatmap_options(VIEW, options)
    settings = rendering_settings("heatsvc view")
    try:
        clip = _only_clip(file, chosen, settings)
        if output is not None:
            _write(clip, chosen, output, settings)
            return
        if sys.stdout.isatty() and 0 in os.get_terminal_size(sys.stdout.fileno()):
            raise CommandError(
                "the terminal does not say its size: set it by `stty rows 24 columns 80`, or give -o x.gif"
            )
        is_player = sys.stdout.isatty() and chosen.picture.frame is None
        picture = _plan(clip, chosen, settings)
        shown = range(len(picture.numbers)) if is_player else (len(picture.numbers) // 2,)
        # A format that is chosen by name is printed to a pipe, too.
        is_forced = not sys.stdout.isatty() and show in ("sixel", "kitty", "blocks")
        console = Console(
            highlight=False,
            force_terminal=True if is_forced else None,
            color_system="truecolor" if is_forced else "auto",
        )
        render = _renderer(show, picture, console)
        _play(picture, shown, render, console, fps=chosen.picture.fps, loop=loop and is_player)
    except InputError as error:
        raise CommandError(describe_error(error, VIEW.flags, file)) from None


def _only_clip(file: str, options: HeatmapOptions, settings: Settings) -> PoseClip:
    """Read the only clip of a file.

    Raises:
        UsageError: there are several files or clips.
    """
    sources = find_sources([file])
    if len(sources) > 1:
        raise UsageError(f"{file} is {len(sources):,} files: give one")
    clips = sources[0].read(read_options(options, settings.bounds.for_local_files()), options.frame_dirs)
    if len(clips) != 1:
        names = ", ".join(clip.frame_dir for clip in clips[:3])
        raise UsageError(f"{file} holds {len(clips):,} clips: choose one by --frame-dir ({names}, ...)")
    return clips[0]


def _write(clip: PoseClip, options: HeatmapOptions, output: str, settings: Settings) -> None:
    extension = Path(output).suffix.removeprefix(".")
    if extension.lower() not in PICTURES:
        raise UsageError(
            f"--output {output}: give a {', '.join(f'.{name}' for name in PICTURES)}, or use `heatsvc draw`"
        )
    job, _ = plan_file([clip], options, find_format(extension, "--output"), settings, NEVER_CANCELLED)
    with atomic_file(Path(output)) as file:
        write_job(job, file)


def _plan(clip: PoseClip, options: HeatmapOptions, settings: Settings) -> Picture:
    """Plan the picture, which renders one frame at a time."""
    (volume,) = options.built_pipeline.describe_volumes(
        [clip],
        select=options.select,
        missing_points=options.missing_points,
        test_mode=options.test_mode,
        seed=options.seed,
        bounds=settings.bounds,
    )
    return Picture.plan(volume, options.picture, settings.bounds, font=settings.caption_font)


def _renderer(show: Show, picture: Picture, console: Console) -> Callable[[Any], Any]:
    """A function that converts a Pillow image to a rich renderable of a kind that the terminal can show."""
    height, width = picture.size
    # A cell is about twice as high as it is wide; the last line of the terminal is for the cursor.
    columns = max(_MIN_COLUMNS, min(console.width, 2 * (console.height - 2) * width // height))
    if show == "auto" and not sys.stdout.isatty():
        show = "text"
    # If a terminal does not respond, textual_image logs a traceback, and uses a default size of a cell.
    logging.getLogger("textual_image").setLevel(logging.ERROR)
    if show == "auto":
        # The module asks the terminal what it can show when it is imported.
        from textual_image.renderable import Image

        return lambda image: Image(image, width=columns, height="auto")
    from textual_image.renderable import halfcell, sixel, tgp, unicode

    kind: Any = {"sixel": sixel, "kitty": tgp, "blocks": halfcell, "text": unicode}[show].Image
    rows = math.ceil(columns * height / width / 2)
    return lambda image: kind(image, width=columns, height=rows)


def _play(
    picture: Picture,
    shown: range | tuple[int, ...],
    render: Callable[[Any], Any],
    console: Console,
    *,
    fps: float,
    loop: bool,
) -> None:
    """Print each frame over the one before it. Frames are left out if the terminal is too slow for them."""
    from PIL import Image

    strip = picture.strip.pixels if picture.strip.height else None

    sent: list[Any] = []

    def print_frame(index: int) -> None:
        frame = picture.frame(index)
        image = Image.fromarray(frame)
        if strip is not None:
            whole = Image.new("RGB", (picture.size[1], picture.size[0]))
            whole.paste(image, (0, 0))
            whole.paste(Image.fromarray(strip), (0, image.height))
            image = whole
        rendered = render(image)
        console.print(rendered)
        # kitty keeps an image until it is deleted.
        while sent:
            sent.pop().cleanup()
        sent.append(rendered)

    if len(shown) == 1:
        print_frame(shown[0])
        return
    with console.screen(hide_cursor=True):
        while True:
            started = time.monotonic()
            index = 0
            while index < len(shown):
                console.control(Control.home())
                print_frame(shown[index])
                ahead = (index + 1) / fps - (time.monotonic() - started)
                time.sleep(max(0.0, ahead))
                index = max(index + 1, int((time.monotonic() - started) * fps))
            if not loop:
                break
    print_frame(shown[-1])
