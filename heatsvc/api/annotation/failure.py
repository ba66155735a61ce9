"""Failure: a build that failed, told as a request that could not be done would be."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from heatsvc.annotation.artifacts import REPORT
from heatsvc.api.annotation.addresses import address_of
from heatsvc.api.problems import document, members_of, problem, status_of
from heatsvc.jobs.state import BuildState, error_of

_FIRST = 5


def failure_of(request: Request, state: BuildState) -> dict[str, Any]:
    """The problem document of a build that failed.

    `build` and `report` in it are addresses; `faults` tells of each kind how many there are, and the first few.
    """
    status, detail, members = _told(request, state)
    return document(status, detail, **members)


def failed(request: Request, state: BuildState) -> Response:
    """The answer to who waited for a build that failed."""
    status, detail, members = _told(request, state)
    return problem(status, detail, **members)


def _told(request: Request, state: BuildState) -> tuple[int, str, dict[str, Any]]:
    result = state.result
    told = (result and result.problem) or {"kind": "internal", "detail": "the build failed, and did not say why"}
    error = error_of(told)
    names = {artifact.name for artifact in result.artifacts} if result else set()
    members = {
        **(members_of(error) if error else {}),
        "build": address_of(request, state.id),
        "report": address_of(request, state.id, "files", REPORT) if REPORT in names else None,
        "faults": _faults((result and result.report) or {}),
    }
    status = 507 if told["kind"] == "full" else 500
    return status_of(error) if error else status, str(told["detail"]), members


def _faults(report: dict[str, Any]) -> dict[str, Any] | None:
    """Of each kind of fault in a report how many there are, and the first few."""
    return {
        group["kind"]: {"meaning": group["meaning"], "count": group["count"], "first": group["items"][:_FIRST]}
        for group in report.get("faults", ())
    } or None
