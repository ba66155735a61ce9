"""Writes heatmaps to files: formats by extension, and files that appear when they are complete."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from heatsvc.api.heatmap_schemas import HeatmapOptions
from heatsvc.api.request import HeatmapRequest
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

FILE_FORMATS: dict[str, Format] = {
    "npy": FORMATS["application/x-npy"],
    "npz": FORMATS["application/x-npz"],
    "safetensors": FORMATS["application/vnd.safetensors"],
    "json": FORMATS["application/json"],
    **PICTURES,
}
"""Formats of files, by their extension."""


def rendering_settings(command: str) -> Settings:
    """Load the settings of a command that renders, and select the kernels that they name.

    Raises:
        UsageError: the kernels are not installed.
    """
    settings = load_settings()
    try:
        KERNELS.use(settings.kernels)
    except KernelsError as error:
        raise UsageError(str(error)) from None
    if settings.kernels == "auto" and KERNELS.hint:
        print_error(command, f"warning: NumPy renders, many times slower: {KERNELS.hint}")
    return settings


def find_format(name: str, option: str) -> Format:
    """The format of an extension.

    Args:
        name: the extension, without its dot.
        option: where the name was given, for messages.

    Raises:
        UsageError: the format is unknown.
    """
    if name.lower() not in FILE_FORMATS:
        wrong = f"there is no format {name!r:.40}" if name else "there is no extension, which says the format"
        raise UsageError(f"{option}: {wrong}{hint(name, FILE_FORMATS)}")
    return FILE_FORMATS[name.lower()]


def plan_file(
    clips: Sequence[PoseClip], options: HeatmapOptions, format: Format, settings: Settings, token: CancelToken
) -> tuple[RenderJob, HeatmapRequest]:
    """Plan how clips are rendered into one file. The report of the request has their findings.

    Raises:
        InputError: a clip cannot be rendered, or a limit of the settings is exceeded.
    """
    request = HeatmapRequest(clips, options)
    job = request.plan(
        format, CODINGS["identity"], settings.bounds.for_local_files(), token, caption_font=settings.caption_font
    )
    return job, request


def write_job(job: RenderJob, file: BinaryIO) -> None:
    """Render a job into a file."""
    file.write(job.start())
    for item in job.items:
        for part in job.add(item, item.run()):
            file.write(part)
    file.write(job.finish())


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside a path, and move it there when the block has ended without an error.

    A link stays one: what it leads to is written. A pipe or a device is opened itself.

    Raises:
        OSError: it cannot be written.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():  # nothing can take the place of a pipe or a device
        with target.open("wb") as file:
            yield file
        return
    # The whole name with this suffix may be too long; the thread distinguishes two names with the same beginning.
    aside = target.with_name(f".{target.name[:40]}.heatsvc-{os.getpid()}-{threading.get_native_id()}")
    try:
        with aside.open("wb") as file:
            yield file
        aside.replace(target)
    except FileNotFoundError:
        raise FileNotFoundError(2, "the folder does not exist", str(path.parent)) from None
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(path)) from None
    finally:
        aside.unlink(missing_ok=True)
