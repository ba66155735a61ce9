"""Dataset, a dataset that was built, with the form of its request and the state of its build."""

from __future__ import annotations

import re
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

# What stands for itself in a URL.
_ID = re.compile(r"[0-9A-Za-z_-]{1,100}")


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset that has been built and downloaded.

    Attributes:
        path: the file that was written.
        build: the document of the build, with its id, its files and their URLs.
        report: `report.json`: splits, classes, frames, faults, notes.
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
        TypeError: an option cannot be written as JSON.
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
    """The file of the build to download, chosen by the suffix of the output.

    Raises:
        ValueError: the suffix is that of neither a pickle nor a zip archive.
    """
    suffix = output.suffix.lower()
    if suffix in (".pkl", ".pickle"):
        return PICKLE
    if suffix == ".zip":
        return BUNDLE
    raise ValueError(f"output must end with .pkl or .zip, not be {output}")


def check_build(build: Any) -> dict[str, Any]:
    """The document of a build, of which all that the client reads has the type that it should have.

    Raises:
        InvalidResponseError: it is none.
    """
    match build:
        case {"id": str(id), "state": str()} if _ID.fullmatch(id):
            progress, artifacts = build.get("progress") or {}, build.get("artifacts") or []
            if _is_progress(progress) and _are_artifacts(artifacts):
                return {**build, "progress": progress, "artifacts": artifacts}
    raise InvalidResponseError("the response is not the document of a build: it is no heatsvc service")


def _is_progress(progress: Any) -> bool:
    if not isinstance(progress, dict) or not isinstance(progress.get("stage"), str | None):
        return False
    return all(isinstance(progress.get(name), int | None) for name in ("files", "files_read", "clips_written"))


def _are_artifacts(artifacts: Any) -> bool:
    return isinstance(artifacts, list) and all(
        isinstance(each, dict) and isinstance(each.get("name"), str) and isinstance(each.get("sha256"), str)
        for each in artifacts
    )


def build_progress(build: Mapping[str, Any]) -> Progress:
    """The progress in the document of a build."""
    progress = build["progress"]
    stage = progress.get("stage") or "waiting"
    if stage == "writing":
        return Progress("writing", progress.get("clips_written") or 0, None, "clips")
    return Progress(stage, progress.get("files_read") or 0, progress.get("files") or None, "files")


def check_done(build: Mapping[str, Any]) -> None:
    """Check that a build has succeeded.

    Raises:
        BuildFailedError: it failed, or was cancelled.
    """
    if build.get("state") == "done":
        return
    problem = build.get("problem")
    if isinstance(problem, Mapping):
        raise BuildFailedError(describe_problem(problem, problem.get("status")), build=build, problem=problem)
    raise BuildFailedError("the build was cancelled while it was waited for: send it again", build=build, problem=None)
