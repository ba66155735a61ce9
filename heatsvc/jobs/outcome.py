"""Outcome: how a build ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from heatsvc.annotation.artifacts import Artifact
from heatsvc.errors import InputError, LimitError

INTERNAL = "the build failed through no fault of its input; send it again to have it built anew"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a build ended. Until there is one, nothing of a build may be shown but its progress.

    Attributes:
        state: done, failed or cancelled.
        artifacts: the files that lie in the folder's `artifacts`; of a build that failed on faults, the reports.
        report: the report as JSON; None where the build did not come so far, or where it was not asked for.
        problem: what failed, as problem_of gives it; None unless it did.
        finished: when, in seconds since 1970.
    """

    state: Literal["done", "failed", "cancelled"]
    artifacts: tuple[Artifact, ...]
    report: dict[str, Any] | None
    problem: dict[str, Any] | None
    finished: float

    @property
    def lasts(self) -> bool:
        """Whether the same input would end the same way again: done, or an input that cannot be used."""
        return self.state == "done" or (self.problem is not None and self.problem["kind"] != "internal")

    def as_json(self) -> dict[str, Any]:
        """The same as JSON has it, without the report, which has a file of its own."""
        return {
            "state": self.state,
            "artifacts": [artifact.as_json() for artifact in self.artifacts],
            "problem": self.problem,
            "finished": self.finished,
        }

    @classmethod
    def from_json(cls, document: dict[str, Any], report: dict[str, Any] | None = None) -> Outcome:
        """What as_json gave, with the report."""
        artifacts = tuple(Artifact.from_json(artifact) for artifact in document["artifacts"])
        return cls(document["state"], artifacts, report, document["problem"], document["finished"])


def problem_of(error: BaseException) -> dict[str, Any]:
    """What failed, such that the error can be raised again elsewhere (error_of).

    ``kind`` is `input` (with detail, field, file, frame), `limit` (also setting, limit, got) or `internal`, which
    tells nothing that a client should not read.
    """
    if not isinstance(error, InputError):
        return {"kind": "internal", "detail": INTERNAL}
    place = {"detail": error.detail, "field": error.field, "file": error.file, "frame": error.frame}
    if isinstance(error, LimitError):
        return {"kind": "limit", **place, "setting": error.setting, "limit": error.limit, "got": error.got}
    return {"kind": "input", **place}


def error_of(problem: dict[str, Any]) -> InputError | None:
    """The error that a problem of kind `input` or `limit` was made of; None where it is internal."""
    if problem["kind"] == "internal":
        return None
    place = {"field": problem["field"], "file": problem["file"]}
    if problem["kind"] == "limit":
        numbers = {name: problem[name] for name in ("setting", "limit", "got")}
        error: InputError = LimitError(problem["detail"], **numbers, **place)
        error.detail = problem["detail"]  # which has the limit in it already
        return error
    return InputError(problem["detail"], frame=problem["frame"], **place)
