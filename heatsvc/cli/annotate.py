"""`heatsvc annotate`: build a dataset without a server, with progress and report in the terminal."""

from __future__ import annotations

import errno
import gc
import json as json_module
import os
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Group, Parameter

from heatsvc.annotation.options import AnnotationOptions
from heatsvc.cli.annotate_paths import find_inputs, folder_beside, is_input, unwritable_reason
from heatsvc.cli.errors import CommandError, UsageError, describe_advice, describe_error
from heatsvc.cli.model_options import ModelOptions
from heatsvc.cli.output import Json, print_error, print_json, printable, progress_bar
from heatsvc.cli.stopping import stopped_by_signals

if TYPE_CHECKING:
    from collections.abc import Iterable

    from heatsvc.annotation.artifacts import Artifact
    from heatsvc.annotation.build import BuildResult
    from heatsvc.annotation.inputs import Inputs
    from heatsvc.annotation.progress import Progress
    from heatsvc.bounds import Bounds

_GC_THRESHOLDS = (200_000, 20, 100)
_STAGES = {
    "waiting": "waiting",
    "labels": "labels, split, file names",
    "keypoints": "keypoints",
    "writing": "writing",
    "done": "done",
}
# `dataset` is for the server. --split and --labels are files.
_OPTIONS = ModelOptions(
    AnnotationOptions,
    skip=("dataset",),
    flags={"split": "--split-rule", "labels": "--labels-as"},
    several=True,
    title="Options of the dataset, which override --options",
)
_PARTS = {**_OPTIONS.flags, "split": "--split", "labels": "--labels"}
_DatasetOptions = _OPTIONS.parameters("_DatasetOptions", __name__)
_FILES = Group("Files", sort_key=1)
_PathList = Annotated[list[Path], Parameter(consume_multiple=True, negative=(), show_default=False, group=_FILES)]


def annotate(
    *,
    keypoints: Annotated[_PathList, Parameter(help="A folder, files, or archives.")],
    labels: Annotated[
        _PathList,
        Parameter(
            help="Workbooks, CSV or JSON files, or folders or archives of them; several are merged. AIHub's "
            "morpheme.json files may be among the keypoints."
        ),
    ] = [],  # noqa: B006  # not written to
    split: Annotated[
        _PathList,
        Parameter(help="JSON {split: [names]}, CSV name,split, or lists of names such as train.txt and test.txt."),
    ] = [],  # noqa: B006
    trim: Annotated[_PathList, Parameter(help="Frame counts, videos, or a folder of them.")] = [],  # noqa: B006
    output: Annotated[
        Path | None, Parameter(name=("--output", "-o"), group=_FILES, help="The pickle, such as KETI.pkl.")
    ] = None,
    check: Annotated[
        bool,
        Parameter(negative=(), show_default=False, group=_FILES, help="Read everything and report, but write nothing."),
    ] = False,
    jobs: Annotated[int, Parameter(group=_FILES, help="Processes that read files; 0: one per core.")] = 0,
    options: Annotated[
        str | None,
        Parameter(group=_FILES, help='Options of POST /annotation, in JSON: `{"missing": "zeros"}`.'),
    ] = None,
    json: Annotated[Json, Parameter(group=_FILES)] = False,
    single: Annotated[_DatasetOptions | None, Parameter(name="*")] = None,  # type: ignore[valid-type]
) -> None:
    """Build a dataset."""
    from heatsvc.annotation.artifacts import REPORT_PAGE
    from heatsvc.annotation.errors import FaultsError
    from heatsvc.errors import InputError
    from heatsvc.settings import load_settings

    if output is None and not check:
        raise UsageError("say where the pickle goes: -o KETI.pkl, or give --check")
    if output is not None and (reason := unwritable_reason(output)):
        raise UsageError(reason)
    # The many names and rows have no cycles, but the garbage collector would visit them again and again.
    gc.set_threshold(*_GC_THRESHOLDS)
    chosen = _dataset_options(options, single)
    try:
        with stopped_by_signals():
            inputs = find_inputs(keypoints, labels, split, trim)
            if output is not None and not check and is_input(output, inputs):
                raise CommandError(f"{output} is an input and would be overwritten: give another --output")
            built = _build(inputs, chosen, load_settings().bounds, output, check=check, jobs=jobs)
    except FaultsError as error:
        _print_report(error.report, json=json)
        kept = f". The report is {folder_beside(output) / REPORT_PAGE}" if output is not None and not check else ""
        raise CommandError(f"{describe_error(error, _PARTS)}{kept}") from None
    except InputError as error:
        raise CommandError(describe_error(error, _PARTS)) from None
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CommandError(f"{error.filename or output}: {error.strerror or error}") from None
    except KeyboardInterrupt:
        print_error("heatsvc annotate", "stopped; nothing was written")
        raise
    _print_report(built.report, json=json)
    if output is not None and not check:
        beside = folder_beside(output)
        where = sys.stderr if json else sys.stdout
        text = f"{output} is written; label map, training configs and report are in {beside}{os.sep}"
        print(printable(text), file=where)


def _dataset_options(text: str | None, single: Any) -> AnnotationOptions:
    """The options of --options, overridden by those that have an option of their own.

    Raises:
        UsageError: an unknown option, or a value that an option cannot have.
    """
    try:
        document = json_module.loads(text) if text else {}
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--options is broken JSON: {error}") from None
    if not isinstance(document, dict):
        raise UsageError('--options must be a JSON object, such as {"missing": "zeros"}')
    given = _OPTIONS.document(single)
    if isinstance(document.get("columns"), dict):
        given["columns"] = {**document["columns"], **given.get("columns", {})}
    merged = {**document, **given}
    if merged.get("dataset"):
        raise UsageError("dataset in --options is for the server: give the folder as --keypoints")
    return _OPTIONS.validate(merged)


def _build(
    inputs: Inputs, options: AnnotationOptions, bounds: Bounds, output: Path | None, *, check: bool, jobs: int
) -> BuildResult:
    """Build in a folder beside the output, and move the files into place at the end."""
    from heatsvc.annotation.build import build
    from heatsvc.annotation.errors import FaultsError
    from heatsvc.annotation.shards import shared_memory_folder
    from heatsvc.bounds import usable_cores

    target = output if output is not None else Path.cwd() / "check"
    folder = target.with_name(f".{target.name}.heatsvc-{os.getpid()}")
    try:
        with shared_memory_folder() as memory, progress_bar() as bar:
            task = bar.add_task("", total=None)

            def show_progress(progress: Progress) -> None:
                bar.update(
                    task,
                    description=_STAGES[progress.stage],
                    completed=progress.files_read,
                    total=progress.files or None,
                )

            run = partial(
                build,
                inputs,
                options,
                folder,
                check=check,
                jobs=jobs or usable_cores(),
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
        if not check:
            _move_beside(built.artifacts, folder, target)
            (folder / target.name).replace(target)  # last: once it is there, all files are
        return built
    except FaultsError as error:
        if not check:
            _move_beside(error.artifacts, folder, target)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _move_beside(artifacts: Iterable[Artifact], folder: Path, target: Path) -> None:
    """Move all files but the pickle into the folder beside it."""
    beside = folder_beside(target)
    beside.mkdir(exist_ok=True)
    for artifact in artifacts:
        if artifact.name != target.name:
            (folder / artifact.name).replace(beside / artifact.name)


def _print_report(report: dict[str, Any], *, json: bool) -> None:
    from rich.console import Console

    from heatsvc.annotation.report.text import report_text

    if json:
        print_json(report)
    else:
        Console().print(report_text(report, lambda advice: describe_advice(advice, _OPTIONS.flags)))
