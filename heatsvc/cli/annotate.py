"""`heatsvc annotate`: a dataset without a server, on all cores, with progress and report in the terminal."""

from __future__ import annotations

import argparse
import errno
import gc
import json
import os
import re
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from heatsvc.annotation.artifacts import Artifact
    from heatsvc.annotation.build import BuildResult
    from heatsvc.annotation.inputs import InputFile, Inputs
    from heatsvc.annotation.options import AnnotationOptions
    from heatsvc.annotation.progress import Progress
    from heatsvc.bounds import Bounds
    from heatsvc.errors import InputError

_GC_THRESHOLDS = (200_000, 20, 100)
_FLAGS = (
    *("select", "dtype", "img_shape", "missing", "faulty", "split_policy", "types", "views", "signers", "years"),
    *("encoding", "file_suffix", "name_pattern", "frame_range"),
    *("coordinates", "project", "plausibility", "missing_points"),
)
_STAGES = {
    "waiting": "waiting",
    "labels": "labels, split, file names",
    "keypoints": "keypoints",
    "writing": "writing",
    "done": "done",
}


def add_annotate(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "annotate",
        help="make an annotation pickle of keypoints, labels and a split",
        description="Make an annotation pickle that PYSKL and MMAction2 train from, with label map, training configs "
        "and report in a folder beside it.",
    )
    parser.add_argument(
        "--keypoints", required=True, nargs="+", type=Path, metavar="PATH", help="a folder, files, or archives"
    )
    parser.add_argument(
        "--labels",
        nargs="+",
        type=Path,
        default=[],
        metavar="PATH",
        help="workbooks, CSV or JSON, or a folder or archives of them; merged. AIHub's morpheme.json files may lie "
        "among the keypoints",
    )
    parser.add_argument(
        "--split",
        nargs="+",
        type=Path,
        default=[],
        metavar="FILE",
        help="JSON {split: [names]}, CSV name,split, or lists of names such as train.txt and test.txt",
    )
    parser.add_argument(
        "--trim", nargs="+", type=Path, default=[], metavar="PATH", help="frame counts, videos, or a folder of them"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="the pickle, such as KETI.pkl")
    parser.add_argument("--check", action="store_true", help="read everything and report, but write nothing")
    parser.add_argument("--jobs", type=int, default=0, metavar="N", help="processes that read; 0: one per core")
    parser.add_argument(
        "--options", metavar="JSON", help='the same options as POST /annotation has: {"missing": "zeros", ...}'
    )
    one = parser.add_argument_group("single options, which override --options")
    one.add_argument("--select", help="sign27 (default), coco_wholebody (all 133), ..., or none for all points")
    one.add_argument("--dtype", choices=("float16", "float32"), help="default float16")
    one.add_argument("--img-shape", nargs=2, type=int, metavar=("HEIGHT", "WIDTH"), help="where files carry none")
    one.add_argument("--missing", choices=("zeros", "drop", "error"), help="videos without keypoints; default zeros")
    one.add_argument("--faulty", choices=("error", "drop", "zeros"), help="unusable files; default error")
    one.add_argument("--split-policy", choices=("error", "drop", "first"), help="names in two splits or none")
    one.add_argument("--coordinates", choices=("pixels", "normalized"), help="normalized: 0..1 of the frame")
    one.add_argument("--project", choices=("xy",), help="xy: third numbers are depths, and are dropped")
    one.add_argument("--missing-points", choices=("missing", "error"), help="selected points that a file lacks")
    one.add_argument("--plausibility", choices=("error", "warn", "ignore"), help="what becomes of impossible numbers")
    for name in ("types", "views", "signers", "years"):
        one.add_argument(f"--{name}", nargs="+", metavar="VALUE", help=f"only rows of these {name}")
    one.add_argument(
        "--frame-range", choices=("report", "apply", "ignore"), help="of labels with frame_start and frame_end"
    )
    one.add_argument("--encoding", help="of text that is not in UTF-8 or UTF-16, such as gb18030; default cp949")
    one.add_argument(
        "--name-pattern", metavar="TEXT", help="columns that names have: NIA_SL_{word}_REAL{signer}_{view}"
    )
    one.add_argument("--file-suffix", metavar="TEXT", help="an end that only keypoint files' names have: _color")
    parser.set_defaults(run=_annotate)


def _annotate(parsed: argparse.Namespace) -> int:
    from heatsvc.annotation.artifacts import REPORT_PAGE
    from heatsvc.annotation.errors import FaultsError
    from heatsvc.errors import InputError
    from heatsvc.settings import load_settings

    if parsed.output is None and not parsed.check:
        print("heatsvc annotate: say where the pickle goes: -o KETI.pkl, or give --check", file=sys.stderr)
        return 2
    if parsed.output is not None and (why := _why_not(parsed.output)):
        print(f"heatsvc annotate: {why}", file=sys.stderr)
        return 2
    # Names and rows are many and have no cycles, but the garbage collector would visit them again and again.
    gc.set_threshold(*_GC_THRESHOLDS)
    try:
        inputs, options = _inputs(parsed), _options(parsed)
        built = _with_progress(parsed, inputs, options, load_settings().bounds)
    except FaultsError as error:
        _print_report(error.report)
        kept = "" if parsed.check else f". The report is {_beside(parsed.output) / REPORT_PAGE}"
        print(f"heatsvc annotate: {_with_flags(error)}{kept}", file=sys.stderr)
        return 1
    except InputError as error:
        place = f"{error.file}: " if error.file and error.file not in error.detail else ""
        print(f"heatsvc annotate: {place}{_with_flags(error)}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        raise
    except OSError as error:
        print(f"heatsvc annotate: {error.filename or parsed.output}: {error.strerror or error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("heatsvc annotate: stopped; nothing was written", file=sys.stderr)
        return 130
    _print_report(built.report)
    if not parsed.check:
        beside = _beside(parsed.output)
        print(f"{parsed.output} is written; label map, training configs and report are in {beside}{os.sep}")
    return 0


def _with_flags(error: InputError) -> str:
    """An error's message with options as they are typed: ``--img-shape``, not ``options.img_shape``."""
    detail = error.detail
    name = (error.field or "").removeprefix("options.")
    if name in _FLAGS and detail.startswith(name):
        detail = _flag(name) + detail.removeprefix(name)
    shape = "the option img_shape, [height, width] in pixels, such as [1080, 1920]"
    detail = detail.replace(shape, "--img-shape HEIGHT WIDTH in pixels, such as --img-shape 1080 1920")
    return re.sub(
        r'options\.(\w+) = "(\w+)" or "(\w+)"', lambda found: f"{_flag(found[1])} {found[2]} or {found[3]}", detail
    )


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _why_not(output: Path) -> str:
    """Why a pickle cannot be written there, "" where it can. Checked first, since reading may take long."""
    from heatsvc.annotation.artifacts import MEDIA_TYPES, PICKLE

    beside = _beside(output)
    if (output.exists() and not output.is_file()) or not output.absolute().parent.is_dir():
        return f"{output} is not a file that can be written"
    if beside.exists() and not beside.is_dir():
        return f"{beside} is a file, and a folder of that name is needed: give the pickle another name"
    if output.name == "work" or (output.name in MEDIA_TYPES and output.name != PICKLE):
        return (
            f"{output.name} is the name of another file of the dataset: give the pickle another name, such as KETI.pkl"
        )
    return ""


def _inputs(parsed: argparse.Namespace) -> Inputs:
    """The paths of the command line."""
    from heatsvc.annotation.errors import AnnotationError
    from heatsvc.annotation.inputs import Inputs

    for path in (*parsed.keypoints, *parsed.labels, *parsed.trim, *parsed.split):
        if not path.exists():
            raise AnnotationError(f"{path} does not exist")
    keypoints, folder = _split_paths(parsed.keypoints, "--keypoints")
    trim, trim_folder = _split_paths(parsed.trim, "--trim")
    labels, labels_folder = _split_paths(parsed.labels, "--labels")
    if labels_folder is not None:
        labels += _label_files(labels_folder)
    splits, split_folder = _split_paths(parsed.split, "--split")
    if split_folder is not None:
        raise AnnotationError(f"{split_folder} is a folder: name the split file, such as {split_folder}/split.json")
    return Inputs(keypoints, folder, labels, splits, trim, trim_folder)


def _label_files(folder: Path) -> tuple[InputFile, ...]:
    """The label files in a folder and below it, sorted by name."""
    from heatsvc.annotation.errors import AnnotationError
    from heatsvc.annotation.inputs import InputFile
    from heatsvc.annotation.labels.labels import is_label_file
    from heatsvc.pose.readers.folder import files_in_folder

    found = sorted((name, entry.path) for name, entry in files_in_folder(folder, is_label_file))
    if not found:
        raise AnnotationError(f"there is no label file in the folder {folder}, such as .xlsx, .csv or .json")
    return tuple(InputFile(name, Path(path)) for name, path in found)


def _split_paths(paths: list[Path], option: str) -> tuple[tuple[InputFile, ...], Path | None]:
    """Files, and the folder, of which there may be one."""
    from heatsvc.annotation.errors import AnnotationError
    from heatsvc.annotation.inputs import InputFile

    folders = [path for path in paths if path.is_dir()]
    if len(folders) > 1:
        raise AnnotationError(f"{option} names two folders, {folders[0]} and {folders[1]}: name the one above both")
    files = tuple(InputFile(path.name, path) for path in paths if not path.is_dir())
    return files, folders[0] if folders else None


def _options(parsed: argparse.Namespace) -> AnnotationOptions:
    """Options from --options and from single options."""
    from pydantic import ValidationError

    from heatsvc.annotation.errors import AnnotationError
    from heatsvc.annotation.options import AnnotationOptions
    from heatsvc.pipeline.errors import explain_invalid

    try:
        document = json.loads(parsed.options) if parsed.options else {}
    except ValueError as error:
        raise AnnotationError(f"--options is broken JSON: {error}") from None
    if not isinstance(document, dict):
        raise AnnotationError('--options must be a JSON object, such as {"missing": "zeros"}')
    document.update((name, getattr(parsed, name)) for name in _FLAGS if getattr(parsed, name) is not None)
    if document.get("select") == "none":
        document["select"] = None
    if document.get("dataset"):
        raise AnnotationError("dataset in --options is for the server: give the folder as --keypoints", field="dataset")
    try:
        return AnnotationOptions(**document)
    except ValidationError as error:
        name, detail = explain_invalid(error, AnnotationOptions, document)
        raise AnnotationError(detail if name in _FLAGS else f"--options: {detail}", field=name) from None


def _with_progress(
    parsed: argparse.Namespace, inputs: Inputs, options: AnnotationOptions, bounds: Bounds
) -> BuildResult:
    """Build in a folder beside the output, and move the files into place at the end."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    from heatsvc.annotation.build import build
    from heatsvc.annotation.errors import FaultsError
    from heatsvc.annotation.shards import shared_memory_folder
    from heatsvc.bounds import usable_cores

    target = parsed.output if parsed.output is not None else Path.cwd() / "check"
    folder = target.with_name(f".{target.name}.heatsvc-{os.getpid()}")
    columns = (
        *(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()),
        *(TimeElapsedColumn(), TimeRemainingColumn()),
    )
    try:
        with shared_memory_folder() as memory, Bar(*columns, console=Console(stderr=True)) as bar:
            line = bar.add_task("", total=None)

            def show_progress(progress: Progress) -> None:
                bar.update(
                    line,
                    description=_STAGES[progress.stage],
                    completed=progress.files_read,
                    total=progress.files or None,
                )

            run = partial(
                build,
                inputs,
                options,
                folder,
                check=parsed.check,
                jobs=parsed.jobs or usable_cores(),
                bounds=bounds,
                progress=show_progress,
                pickle_name=target.name,
                digest=False,
            )
            try:
                built = run(memory=memory)
            except OSError as error:
                if memory is None or error.errno != errno.ENOSPC:
                    raise
                built = run()  # a few shards of long clips with many points do not fit into memory
        if not parsed.check:
            _move_beside(built.artifacts, folder, target)
            (folder / target.name).replace(target)  # last: once it is there, all files are
        return built
    except FaultsError as error:
        if not parsed.check:
            _move_beside(error.artifacts, folder, target)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _move_beside(artifacts: Iterable[Artifact], folder: Path, target: Path) -> None:
    """Move all files but the pickle into the folder beside it."""
    beside = _beside(target)
    beside.mkdir(exist_ok=True)
    for artifact in artifacts:
        if artifact.name != target.name:
            (folder / artifact.name).replace(beside / artifact.name)


def _beside(target: Path) -> Path:
    """The folder of a pickle's other files: ``KETI`` for ``KETI.pkl``."""
    return target.with_suffix("") if target.suffix else target.with_name(f"{target.name}-files")


def _print_report(report: dict[str, Any]) -> None:
    from rich.console import Console

    from heatsvc.annotation.report.text import report_text

    Console().print(report_text(report))
