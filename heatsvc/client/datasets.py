"""What is sent for a dataset, and what comes of its build."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heatsvc.client.bodies import RequestBody
from heatsvc.client.errors import BuildFailedError, InvalidResponseError, describe_problem
from heatsvc.client.options import to_json
from heatsvc.client.progress import Progress
from heatsvc.client.uploads import PathLike, as_paths, keypoint_parts, table_parts

PICKLE, BUNDLE = "annotations.pkl", "bundle.zip"
ENDED = ("done", "failed", "cancelled")

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset that has been built and downloaded.

    Attributes:
        path: of the file that was written.
        build: the document of the build, with its id, its files and their URLs.
        report: what was found in the files, as in `report.json`: splits, classes, frames, faults, notes.
    """

    path: Path
    build: dict[str, Any]
    report: dict[str, Any]


def dataset_body(
    keypoints: PathLike | Sequence[PathLike],
    labels: PathLike | Sequence[PathLike],
    split: PathLike | Sequence[PathLike] | Mapping[str, Any],
    trim: PathLike | Sequence[PathLike],
    options: Mapping[str, Any],
) -> RequestBody:
    """The form of a request to /annotation and /annotation/inspect.

    Raises:
        OSError: a file does not exist, or cannot be read.
        TypeError: an option has no form in JSON.
    """
    given = dict(options)
    split_files: list[Path] = []
    if isinstance(split, Mapping):
        given["split"] = dict(split)
    else:
        split_files = as_paths(split)
    return RequestBody(
        # First, so that wrong options are refused before gigabytes of keypoints are sent.
        fields={"options": to_json(given).decode()} if given else {},
        files=[
            *table_parts("labels", as_paths(labels)),
            *table_parts("split", split_files),
            *table_parts("trim", as_paths(trim)),
            *keypoint_parts("keypoints", as_paths(keypoints)),
        ],
    )


def file_to_download(output: Path) -> str:
    """The build's file that an output is, by its suffix.

    Raises:
        ValueError: it is neither a pickle nor an archive.
    """
    suffix = output.suffix.lower()
    if suffix in (".pkl", ".pickle"):
        return PICKLE
    if suffix == ".zip":
        return BUNDLE
    raise ValueError(f"output must end with .pkl or .zip, not be {output}")


def build_progress(build: Mapping[str, Any]) -> Progress:
    """How far a build is, from its document."""
    progress = build.get("progress") or {}
    stage = progress.get("stage") or "waiting"
    if stage == "writing":
        return Progress("writing", progress.get("clips_written", 0), None, "clips")
    return Progress(stage, progress.get("files_read", 0), progress.get("files") or None, "files")


def check_done(build: Mapping[str, Any]) -> None:
    """Check that a build that has ended is done.

    Raises:
        BuildFailedError: it failed, or was cancelled.
    """
    if build.get("state") == "done":
        return
    problem = build.get("problem")
    if isinstance(problem, Mapping):
        raise BuildFailedError(describe_problem(problem, problem.get("status")), build=build, problem=problem)
    raise BuildFailedError("the build was cancelled while it was waited for: send it again", build=build, problem=None)


def partial_path(target: Path, etag: str) -> Path:
    """Where a download is written until it is whole: beside its target, another place for other bytes."""
    return target.with_name(f".{target.name}.{hashlib.sha256(etag.encode()).hexdigest()[:12]}.part")


def finish_download(partial: Path, target: Path, sha256: str | None) -> None:
    """Put a whole download in its place.

    Raises:
        InvalidResponseError: its bytes are not those that the service has; it is removed.
        OSError: it cannot be written.
    """
    with partial.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest() if sha256 is not None else None
        os.fsync(file.fileno())
    if digest != sha256:
        partial.unlink()
        raise InvalidResponseError(f"{target.name} was damaged on its way: its SHA-256 is not the service's")
    os.replace(partial, target)
