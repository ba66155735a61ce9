"""Documents: what is told of a build, with links."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, Field
from starlette.requests import Request

from heatsvc.annotation.artifacts import REPORT, REPORT_PAGE
from heatsvc.api.annotation.addresses import BUNDLE, address_of
from heatsvc.api.annotation.failure import failure_of
from heatsvc.jobs.state import BuildState


class ProgressInfo(BaseModel):
    """How far a build is."""

    stage: Literal["waiting", "labels", "keypoints", "writing", "done"] = Field(description="What is being done.")
    files_read: int = Field(description="Keypoint files read.")
    files: int = Field(description="All there are to read; 0 until that is known.")
    clips_written: int = Field(description="Annotations written.")
    seconds: float = Field(description="Since the build began, or was taken up again.")
    seconds_left: float | None = Field(description="Estimated; null where nobody can tell yet.")


class ArtifactInfo(BaseModel):
    """A file that a build gave."""

    name: str
    media_type: str
    size: int = Field(description="In bytes.")
    sha256: str = Field(description="Of its bytes; its ETag, too.")
    href: str = Field(description="Where it is fetched, in ranges if need be.")


class BuildLinks(BaseModel):
    """Where what belongs to a build is found."""

    self: str = Field(description="This document; DELETE cancels and removes the build.")
    events: str = Field(description="Its progress as server-sent events.")
    report: str | None = Field(None, description="The report as JSON, once there is one.")
    report_page: str | None = Field(None, description="The same to look at.")
    bundle: str | None = Field(None, description="All files in a zip archive, once the build is done.")


class BuildInfo(BaseModel):
    """A build."""

    id: str = Field(description="32 hexadecimal digits, made of files and options: the same input is built once.")
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    created: datetime = Field(description="When it was sent.")
    finished: datetime | None = Field(None, description="When it ended.")
    progress: ProgressInfo | None = None
    problem: dict[str, Any] | None = Field(None, description="Why it failed, as a problem document (RFC 9457).")
    artifacts: list[ArtifactInfo] = Field([], description="What it gave.")
    links: BuildLinks


class BuildList(BaseModel):
    """Builds, the newest first."""

    builds: list[BuildInfo]


def describe(request: Request, state: BuildState) -> BuildInfo:
    """What is told of a build."""
    result = state.result
    artifacts = [
        ArtifactInfo(href=address_of(request, state.id, "files", artifact.name), **artifact.as_json())
        for artifact in (result.artifacts if result else ())
    ]
    hrefs = {artifact.name: artifact.href for artifact in artifacts}
    return BuildInfo(
        id=state.id,
        state=state.state,
        created=_time(state.created),
        finished=_time(result.finished) if result else None,
        progress=ProgressInfo(**state.progress.as_json()) if state.progress else None,
        problem=failure_of(request, state) if state.state == "failed" else None,
        artifacts=artifacts,
        links=BuildLinks(
            self=address_of(request, state.id),
            events=address_of(request, state.id, "events"),
            report=hrefs.get(REPORT),
            report_page=hrefs.get(REPORT_PAGE),
            bundle=address_of(request, state.id, "files", BUNDLE) if state.state == "done" else None,
        ),
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=int(seconds % 1 * 1e3) * 1000)
