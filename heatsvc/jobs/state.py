"""BuildState: the state, progress and result of a build."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from heatsvc.annotation.artifacts import Artifact
from heatsvc.annotation.progress import Progress
from heatsvc.errors import InputError, LimitError

INTERNAL = "the build failed because of an internal error: send the request again to retry"

State = Literal["queued", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class StoredResult:
    """The result of a build, as stored with it.

    Attributes:
        state: done or failed.
        artifacts: the files in the folder `artifacts`; if the build failed because of faulty videos, the reports.
        report: the report as JSON, from its file; None if there is none, or it was not requested.
        problem: why the build failed, see `problem_of`; None unless it failed.
        finished: when it ended, in seconds since 1970.
    """

    state: Literal["done", "failed"]
    artifacts: tuple[Artifact, ...]
    report: dict[str, Any] | None
    problem: dict[str, Any] | None
    finished: float

    @property
    def is_reusable(self) -> bool:
        """Whether building it again would have the same result: it is done, or its input cannot be used.

        After an error about a dataset it may differ: the dataset may be mounted by now.
        """
        if self.problem is None:
            return True
        return self.problem["kind"] in ("input", "limit") and self.problem["field"] != "dataset"


@dataclass(frozen=True, slots=True)
class BuildState:
    """A build at one moment.

    Attributes:
        id: 32 hexadecimal digits.
        state: queued until a worker begins it, running until it has a result, then the state of the result; cancelled
            once it is to be deleted.
        created: when it was submitted, in seconds since 1970.
        progress: its last progress.
        result: its result; None until it has ended.
    """

    id: str
    state: State
    created: float
    progress: Progress
    result: StoredResult | None


def problem_of(error: BaseException) -> dict[str, Any]:
    """Why a build failed, as JSON; `error_of` converts it back to an error.

    ``kind`` is `input` (with detail, field, file, frame), `limit` (also reason, setting, limit, got) or `internal`,
    whose detail contains no internal information.
    """
    if not isinstance(error, InputError):
        return {"kind": "internal", "detail": INTERNAL}
    place = {"detail": error.detail, "field": error.field, "file": error.file, "frame": error.frame}
    if isinstance(error, LimitError):
        numbers = {"setting": error.setting, "limit": error.limit, "got": error.got}
        return {"kind": "limit", **place, "reason": error.reason, **numbers}
    return {"kind": "input", **place}


def error_of(problem: dict[str, Any]) -> InputError | None:
    """The error from which a problem of kind `input` or `limit` was made; None for other kinds."""
    if problem["kind"] not in ("input", "limit"):
        return None
    place = {"field": problem["field"], "file": problem["file"]}
    if problem["kind"] == "limit":
        bound = problem["setting"].removeprefix("HEATSVC_").lower()
        reason = problem.get("reason", problem["detail"])  # builds of version 0.1.0 have none
        return LimitError(reason, bound=bound, limit=problem["limit"], got=problem["got"], **place)
    return InputError(problem["detail"], frame=problem["frame"], **place)
