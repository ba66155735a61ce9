"""Heatmaps as files: the formats by extension, and how a file is written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from heatsvc.api.heatmap_schemas import HeatmapOptions
from heatsvc.api.request import HeatmapRequest
from heatsvc.bounds import Bounds
from heatsvc.cancel import CancelToken
from heatsvc.cli.errors import UsageError
from heatsvc.cli.output import print_error
from heatsvc.encode.codings import CODINGS
from heatsvc.encode.formats import FORMATS, PICTURES, Format
from heatsvc.encode.job import RenderJob
from heatsvc.kernels import KERNELS, KernelsError
from heatsvc.pipeline.errors import hint
from heatsvc.pose import PoseClip
from heatsvc.settings import Settings, load_settings

_CLIPS, _OBJECTS, _BYTES = 10_000_000, 200_000_000, 64 << 30

FILE_FORMATS: dict[str, Format] = {
    "npy": FORMATS["application/x-npy"],
    "npz": FORMATS["application/x-npz"],
    "safetensors": FORMATS["application/vnd.safetensors"],
    "json": FORMATS["application/json"],
    **PICTURES,
}
"""Formats of files, by their extension."""


def rendering_settings(command: str) -> Settings:
    """The settings of a command that renders, and the kernels that they name.

    Raises:
        UsageError: kernels that are not installed.
    """
    settings = load_settings()
    try:
        KERNELS.use(settings.kernels)
    except KernelsError as error:
        raise UsageError(str(error)) from None
    if settings.kernels == "auto" and KERNELS.hint:
        print_error(command, f"warning: NumPy renders, many times slower: {KERNELS.hint}")
    return settings


def own_file_bounds(settings: Settings) -> Bounds:
    """The bounds of reading files of one's own: larger than the server's where these are for one request.

    A pickle of KETI's has 33,517 clips, two million objects and 0.6 GB.
    """
    return replace(settings.bounds, max_clips=_CLIPS, max_pickle_objects=_OBJECTS, max_unpacked_bytes=_BYTES)


def find_format(name: str, option: str) -> Format:
    """The format of an extension.

    Args:
        name: the extension, without its dot.
        option: that it comes from, for messages.

    Raises:
        UsageError: there is none of that name.
    """
    if name.lower() not in FILE_FORMATS:
        wrong = f"there is no format {name!r:.40}" if name else "there is no extension, which says the format"
        raise UsageError(f"{option}: {wrong}{hint(name, FILE_FORMATS)}")
    return FILE_FORMATS[name.lower()]


def plan_file(
    clips: Sequence[PoseClip], options: HeatmapOptions, format: Format, settings: Settings, token: CancelToken
) -> tuple[RenderJob, HeatmapRequest]:
    """How clips are rendered into one file, and the request, whose report says what is doubtful in them.

    Raises:
        InputError: a clip that cannot be rendered, or more than the settings allow.
    """
    request = HeatmapRequest(clips, options)
    job = request.plan(
        format, CODINGS["identity"], own_file_bounds(settings), token, caption_font=settings.caption_font
    )
    return job, request


def write_job(job: RenderJob, file: BinaryIO) -> None:
    """Render it into a file."""
    file.write(job.start())
    for item in job.items:
        for part in job.add(item, item.run()):
            file.write(part)
    file.write(job.finish())


def write_file(job: RenderJob, path: Path) -> None:
    """Render it into a file that is there when it is complete, and in place of an older one.

    Raises:
        OSError: it cannot be written.
    """
    with _file_aside(path) as file:
        write_job(job, file)


def write_bytes(content: bytes, path: Path) -> None:
    """The same with a file's content.

    Raises:
        OSError: it cannot be written.
    """
    with _file_aside(path) as file:
        file.write(content)


@contextmanager
def _file_aside(path: Path) -> Iterator[BinaryIO]:
    """A file beside a path, which takes its place at the end."""
    aside = path.with_name(f".{path.name}.heatsvc-{os.getpid()}")
    try:
        with aside.open("wb") as file:
            yield file
        aside.replace(path)
    except FileNotFoundError:
        raise FileNotFoundError(2, "the folder does not exist", str(path.parent)) from None
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(path)) from None
    finally:
        aside.unlink(missing_ok=True)
