"""BuildState: the state, progress and result of a build."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from heatsvc.annotation.artifacts import Artifact
from heatsvc.annotation.progress import Progress
from heatsvc.errors import InputError, LimitError

INTERNAL = "the build failed through no fault of its input; send it again to have it built anew"

State = Literal["queued", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class StoredResult:
    """How a build ended, as it is stored with the build.

    Attributes:
        state: done or failed.
        artifacts: the files in the folder's `artifacts`; of a build that failed because of faulty videos, the reports.
        report: the report as JSON, from its file; None where there is none, or where it was not asked for.
        problem: why it failed, as `problem_of` gives it; None unless it did.
        finished: when, in seconds since 1970.
    """

    state: Literal["done", "failed"]
    artifacts: tuple[Artifact, ...]
    report: dict[str, Any] | None
    problem: dict[str, Any] | None
    finished: float

    @property
    def is_reusable(self) -> bool:
        """Whether the same input would end the same way again: done, or an input that cannot be used.

        A dataset that was not mounted where it was built may be mounted now.
        """
        if self.problem is None:
            return True
        return self.problem["kind"] in ("input", "limit") and self.problem["field"] != "dataset"


@dataclass(frozen=True, slots=True)
class BuildState:
    """A build at one moment.

    Attributes:
        id: 32 hexadecimal digits.
        state: queued until a worker begins it, running until there is a result, then the result's; cancelled as soon
            as it was asked to be removed.
        created: when it was submitted, in seconds since 1970.
        progress: how far it is, or was.
        result: how it ended; None until it has.
    """

    id: str
    state: State
    created: float
    progress: Progress
    result: StoredResult | None


def problem_of(error: BaseException) -> dict[str, Any]:
    """Why a build failed, as JSON that `error_of` makes an error of again.

    ``kind`` is `input` (with detail, field, file, frame), `limit` (also reason, setting, limit, got) or `internal`,
    whose detail has nothing in it that a client should not read.
    """
    if not isinstance(error, InputError):
        return {"kind": "internal", "detail": INTERNAL}
    place = {"detail": error.detail, "field": error.field, "file": error.file, "frame": error.frame}
    if isinstance(error, LimitError):
        numbers = {"setting": error.setting, "limit": error.limit, "got": error.got}
        return {"kind": "limit", **place, "reason": error.reason, **numbers}
    return {"kind": "input", **place}


def error_of(problem: dict[str, Any]) -> InputError | None:
    """The error that a problem of kind `input` or `limit` was made of; None for the other kinds."""
    if problem["kind"] not in ("input", "limit"):
        return None
    place = {"field": problem["field"], "file": problem["file"]}
    if problem["kind"] == "limit":
        bound = problem["setting"].removeprefix("HEATSVC_").lower()
        reason = problem.get("reason", problem["detail"])  # builds of version 0.1.0 have none
        return LimitError(reason, bound=bound, limit=problem["limit"], got=problem["got"], **place)
    return InputError(problem["detail"], frame=problem["frame"], **place)
