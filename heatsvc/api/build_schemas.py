"""The JSON documents of /annotation: builds, the problems of builds that failed, and the form of a request."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from starlette.requests import Request

from heatsvc.annotation.artifacts import REPORT, REPORT_PAGE
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.api.build_files import BUNDLE
from heatsvc.api.problems import Problem, document, members_of, optional_member, status_of
from heatsvc.api.upload import FORM
from heatsvc.jobs.state import BuildState, StoredResult, error_of
from heatsvc.pose.readers import READERS

_MAX_FAULTS = 5

# The content of files. A file that is sent without a file name gets the name of its part.
_EXAMPLE = {
    "keypoints": ['{"keypoint": [[[310.5, 120.0, 0.98], [290.0, 205.5, 0.91]]], "img_shape": [480, 640]}'],
    "labels": ["name,label\nkeypoints,hello\n"],
    "options": {"select": [0, 1], "faulty": "drop", "split": {"random": {"train": 0.8, "test": 0.2}}},
}

File = Annotated[bytes, WithJsonSchema({"type": "string", "format": "binary"})]


class AnnotationForm(BaseModel):
    """The parts of a request to /annotation."""

    model_config = ConfigDict(extra="forbid")

    keypoints: list[File] = Field(
        default_factory=list,
        description="Keypoint files, or archives of them (.zip, .tar, .tar.gz, .tar.bz2, .tar.xz, .tar.zst), the part "
        "can be repeated. The format is recognized by content: "
        + ", ".join(f"`{reader.name}`" for reader in READERS)
        + ". Not with the option `dataset`.",
    )
    labels: list[File] = Field(
        default_factory=list,
        description="Label tables, label maps and lists of classes: KETI's workbooks, CSV in CP949 or UTF-8, "
        "`{name: {label, label_index}}`, `{label: index}`, the files of WLASL, MSASL, AUTSL, PHOENIX, AIHub (NIASL), "
        "MMAction2 and PYSKL, and archives of these; several are merged. Required unless the keypoints include AIHub's "
        "`morpheme.json` files.",
    )
    split: list[File] = Field(
        default_factory=list,
        description="`{split: [names]}` in JSON, CSV `name,split`, or a list of names for each split in a file named "
        "after it (`train.txt`). Cannot be combined with the option `split`. Without either, the column `split` or "
        "`subset` of the labels is used.",
    )
    trim: list[File] = Field(
        default_factory=list,
        description="The number of frames to keep at the end of each video: `{name: count}` in JSON, CSV `name,count`, "
        "or the trimmed videos, whose frames are counted.",
    )
    options: AnnotationOptions = Field(default_factory=lambda: AnnotationOptions.model_validate({}))


class FaultInfo(BaseModel):
    """A fault of one video."""

    name: str = Field(description="Name of the video.")
    file: str | None = Field(description="The file with the fault.")
    detail: str
    done: str = Field(description="What was done with the video: `zeros`, `dropped`, `kept`, `refused`.")


class FaultGroup(BaseModel):
    """Faults of one kind."""

    meaning: str
    count: int
    first: list[FaultInfo] = Field(description=f"The first {_MAX_FAULTS}; the report has all.")


class BuildProblem(Problem):
    """Why a build failed, as a problem document (RFC 9457). Members that do not apply are absent."""

    build: str | None = optional_member("The build's URL.")
    report: str | None = optional_member("The URL of the build's report, which lists all faults.")
    faults: dict[str, FaultGroup] | None = optional_member("Faults by kind.")


class SplitSoFar(BaseModel):
    """A split of a build that has not ended."""

    name: str
    clips: int
    frames: int


class FaultsSoFar(BaseModel):
    """Faults of one kind that a build has found so far."""

    kind: str
    meaning: str
    count: int
    items: list[FaultInfo] = Field(description=f"The first {_MAX_FAULTS}; what becomes of them is not decided yet.")


class ReportSoFar(BaseModel):
    """What a build has found so far: the report's `splits` and `faults`."""

    splits: list[SplitSoFar] = []
    faults: list[FaultsSoFar] = []


class ProgressInfo(BaseModel):
    """The progress of a build."""

    stage: Literal["waiting", "labels", "keypoints", "writing", "done"]
    files_read: int = Field(description="Keypoint files that have been read.")
    files: int = Field(description="All keypoint files; 0 until their number is known.")
    clips_written: int = Field(description="Annotations that have been written.")
    seconds: float = Field(description="Since the build was started, or resumed.")
    seconds_left: float | None = Field(description="An estimate; null as long as there is none.")
    files_per_second: float | None = Field(None, description="Files that were read since then; null where none was.")
    report: ReportSoFar = Field(ReportSoFar(), description="What has been found in them.")


class ArtifactInfo(BaseModel):
    """A file that a build has written."""

    name: str
    media_type: str
    size: int = Field(description="Size in bytes.")
    sha256: str = Field(description="SHA-256 of the file, which is also its ETag.")
    href: str = Field(description="Its URL, which supports range requests.")


class BuildLinks(BaseModel):
    """The URLs of a build."""

    self: str = Field(description="This document; DELETE cancels and deletes the build.")
    events: str = Field(description="Its progress as server-sent events.")
    report: str | None = Field(None, description="The report as JSON; null until it is written.")
    report_page: str | None = Field(None, description="The report as an HTML page; null until it is written.")
    bundle: str | None = Field(None, description="All files in a zip archive; null until the build is done.")


class BuildInfo(BaseModel):
    """A build."""

    id: str = Field(description="32 hexadecimal digits: a hash of files and options. Equal requests share a build.")
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    created: datetime = Field(description="When it was requested.")
    finished: datetime | None = Field(None, description="When it ended.")
    progress: ProgressInfo | None = None
    problem: BuildProblem | None = Field(None, description="Why it failed.")
    artifacts: list[ArtifactInfo] = Field([], description="The files that it has written.")
    links: BuildLinks


class BuildList(BaseModel):
    """Builds, the newest first."""

    builds: list[BuildInfo]


class DatasetReport(BaseModel):
    """A dataset's report: its summary, splits, classes, frames, scores, faults and more."""

    model_config = ConfigDict(extra="allow")


def form_body(schema: str) -> dict[str, Any]:
    """The `openapi_extra` of a route that takes a form.

    Args:
        schema: the name of the form's schema, one that `api/openapi.py` adds to the OpenAPI document.
    """
    content = {
        "schema": {"$ref": f"#/components/schemas/{schema}"},
        "encoding": {"options": {"contentType": "application/json"}},
        "example": _EXAMPLE,
    }
    return {"requestBody": {"required": True, "content": {FORM: content}}}


def build_url(request: Request, id: str, *rest: str) -> str:
    """The URL path of a build or of a resource below it, including `root_path`."""
    return "/".join([f"{request.scope.get('root_path', '')}/annotation", id, *rest])


def describe_build(request: Request, state: BuildState) -> BuildInfo:
    """A build's document."""
    result = state.result
    artifacts = [
        ArtifactInfo(href=build_url(request, state.id, "files", artifact.name), **asdict(artifact))
        for artifact in (result.artifacts if result else ())
    ]
    hrefs = {artifact.name: artifact.href for artifact in artifacts}
    return BuildInfo(
        id=state.id,
        state=state.state,
        created=datetime.fromtimestamp(round(state.created, 3), UTC),
        finished=datetime.fromtimestamp(round(result.finished, 3), UTC) if result else None,
        progress=ProgressInfo(**asdict(state.progress)) if state.progress else None,
        problem=describe_failure(request, state.id, result) if state.state == "failed" else None,
        artifacts=artifacts,
        links=BuildLinks(
            self=build_url(request, state.id),
            events=build_url(request, state.id, "events"),
            report=hrefs.get(REPORT),
            report_page=hrefs.get(REPORT_PAGE),
            bundle=build_url(request, state.id, "files", BUNDLE) if state.state == "done" else None,
        ),
    )


def describe_failure(request: Request, id: str, result: StoredResult | None) -> BuildProblem:
    """The problem document of a build that failed: what a request with its input would have returned."""
    problem = (result and result.problem) or {"kind": "internal", "detail": "the build failed for an unknown reason"}
    error = error_of(problem)
    status = 507 if problem["kind"] == "full" else 500
    names = {artifact.name for artifact in result.artifacts} if result else set()
    return BuildProblem(
        **document(
            status_of(error) if error else status,
            str(problem["detail"]),
            **(members_of(error) if error else {}),
            build=build_url(request, id),
            report=build_url(request, id, "files", REPORT) if REPORT in names else None,
            faults=_group_faults((result and result.report) or {}),
        )
    )


def _group_faults(report: dict[str, Any]) -> dict[str, Any] | None:
    return {
        group["kind"]: {"meaning": group["meaning"], "count": group["count"], "first": group["items"][:_MAX_FAULTS]}
        for group in report.get("faults", ())
    } or None
