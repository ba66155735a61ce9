"""/annotation: datasets made of keypoint files, labels and splits, and the builds that make them."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.sse import EventSourceResponse, format_sse_event
from pydantic import WithJsonSchema
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse, Response, StreamingResponse

from heatsvc.annotation.artifacts import MEDIA_TYPES, PICKLE, REPORT, REPORT_PAGE
from heatsvc.api.build_files import BUNDLE, ZIP, build_file_response, build_not_found
from heatsvc.api.build_schemas import (
    BuildInfo,
    BuildList,
    DatasetReport,
    build_url,
    describe_build,
    describe_failure,
    form_body,
)
from heatsvc.api.build_submission import submit_build
from heatsvc.api.negotiation import choose_media, parse_preferences
from heatsvc.api.problems import MEDIA_TYPE, RequestError, busy, problem_responses
from heatsvc.api.service import Service, service_of
from heatsvc.jobs.builds import StillEndingError
from heatsvc.jobs.state import BuildState


class BuildIdConvertor(StringConvertor):
    """Matches the ids of builds in paths. Ids become names of folders, so nothing else may match."""

    regex = "[0-9a-f]{32}"


register_url_convertor("build", BuildIdConvertor())
router = APIRouter(tags=["datasets"], responses=problem_responses(401, 422, 500, 503, 507))

JSON = "application/json"
OFFERS = {MEDIA_TYPES[PICKLE]: PICKLE, "application/octet-stream": PICKLE, ZIP: BUNDLE, JSON: None}
"""The file that POST /annotation responds with, by media type; None is the build's document."""

CHECK_OFFERS = {JSON: REPORT, "text/html": REPORT_PAGE}
"""The file that POST /annotation/check responds with, by media type."""

HEARTBEAT_SECONDS = 10.0
"""Seconds without an event after which an event stream sends a comment."""

TICK_SECONDS = 1.0
"""Seconds within which a disconnected client or a stopping server is noticed."""

# The id of a stream's last event. An EventSource that reconnects with it has received all events.
_LAST_EVENT_ID = "end"

_BINARY = {"type": "string", "format": "binary"}


async def _watcher_place(request: Request) -> AsyncIterator[None]:
    with service_of(request).watchers.slot():
        yield


WATCHER_PLACE = Depends(_watcher_place)
"""Occupies a slot for long requests until the response has been sent."""


def _header(description: str, type: str = "string") -> dict[str, Any]:
    return {"description": description, "schema": {"type": type}}


_BUILD_HEADERS = {
    "Link": _header("The build's URL."),
    "Content-Location": _header("The URL of the same content."),
    "ETag": _header("SHA-256 of the file."),
}
_SUBMISSION_RESPONSES: dict[int | str, dict[str, Any]] = {
    202: {
        "model": BuildInfo,
        "description": "The build has not ended, or the response does not wait for it.",
        "headers": {
            "Location": _header("The build's URL."),
            "Retry-After": _header("Seconds after which to poll the build.", "integer"),
            "Preference-Applied": _header("`respond-async`, if the request preferred it."),
        },
    },
    **problem_responses(400, 406, 408, 409, 415),
    **problem_responses(413, 422, 500, 507, schema="BuildProblem"),
}

BuildId = Annotated[str, Path(description="The build's id.", pattern=f"^{BuildIdConvertor.regex}$")]
FileName = Annotated[str, Path(description="Name of the file.", json_schema_extra={"enum": [*MEDIA_TYPES, BUNDLE]})]
# A list, since a header may be sent in several lines (RFC 9110, section 5.3).
Prefer = Annotated[
    list[str] | None,
    Header(
        alias="Prefer",
        description="`respond-async`: respond with 202 at once; `wait=N`: respond with 202 after N seconds (RFC 7240).",
    ),
    WithJsonSchema({"type": "string"}),
]


@router.post(
    "/annotation",
    summary="Create a dataset",
    response_model=BuildInfo,
    response_description="The annotation pickle, a zip archive of all files, or the build's document.",
    responses={
        200: {
            "headers": _BUILD_HEADERS,
            "content": {media_type: {"schema": _BINARY} for media_type in OFFERS if media_type != JSON},
        },
        **_SUBMISSION_RESPONSES,
    },
    openapi_extra=form_body("AnnotationForm"),
)
async def create_annotation(request: Request, prefer: Prefer = None) -> Response:
    """Creates an annotation pickle from keypoint files, labels and splits, plus a label map, configs and a report.

    Once the build is done, the response is the file that `Accept` chooses, by default the pickle. With `Prefer:
    respond-async`, and for large forms, it is 202 with the URL of a build to poll. Equal requests share a build.
    """
    return await _create(request, OFFERS, prefer, check=False)


@router.post(
    "/annotation/check",
    summary="Check a dataset",
    response_model=DatasetReport,
    response_description="The report.",
    responses={
        200: {"headers": _BUILD_HEADERS, "content": {"text/html": {"schema": {"type": "string"}}}},
        **_SUBMISSION_RESPONSES,
    },
    openapi_extra=form_body("AnnotationForm"),
)
async def check_annotation(request: Request, prefer: Prefer = None) -> Response:
    """Reads all files and reports what is wrong with them, but creates no dataset.

    Faults, such as videos without keypoints, are reported with 200, even if the options make them errors.
    """
    return await _create(request, CHECK_OFFERS, prefer, check=True)


@router.get(
    "/annotation",
    summary="List builds",
    response_model=BuildList,
    response_description="The builds.",
    dependencies=[WATCHER_PLACE],
)
async def list_builds(
    request: Request, limit: Annotated[int, Query(ge=1, le=1_000, description="Maximum number of builds.")] = 100
) -> Response:
    """Lists the builds on this server, the newest first."""
    service = service_of(request)

    def list_in_thread() -> bytes:
        builds = [describe_build(request, state) for state in service.builds.list(limit)]
        return BuildList(builds=builds).model_dump_json().encode()

    body = await service.on_disk(list_in_thread)
    return Response(body, headers={"Cache-Control": "no-store"}, media_type=JSON)


@router.get(
    "/annotation/{id:build}",
    summary="Get a build",
    response_model=BuildInfo,
    response_description="The build.",
    responses=problem_responses(404),
)
async def get_build(request: Request, id: BuildId) -> Response:
    """The build's state, progress and links. Until the build has ended, `Retry-After` says when to poll again."""
    service = service_of(request)

    def get_in_thread() -> Response:
        state = _find_build(service, id)
        headers = {"Cache-Control": "no-store"}
        if state.result is None:
            left = state.progress.seconds_left if state.progress else None
            headers["Retry-After"] = str(max(1, min(60, round(left or 1))))
        return _build_response(request, state, headers)

    return await service.on_disk(get_in_thread)


@router.delete(
    "/annotation/{id:build}",
    summary="Delete a build",
    status_code=204,
    response_description="The build is deleted.",
    responses=problem_responses(404),
)
async def delete_build(request: Request, id: BuildId) -> None:
    """Deletes a build and its files; a build that has not ended is cancelled first."""
    service = service_of(request)
    try:
        deleted = await service.on_disk(partial(service.builds.remove, id))
    except StillEndingError:
        raise busy(
            "the build has been cancelled but has not ended yet: send the request again", retry_after=5
        ) from None
    if not deleted:
        raise build_not_found(id)


@router.get(
    "/annotation/{id:build}/events",
    summary="Watch a build",
    dependencies=[WATCHER_PLACE],
    response_class=StreamingResponse,
    response_description="Server-sent events: `progress`, then `done`, `failed` or `cancelled`.",
    responses={
        200: {
            "content": {
                EventSourceResponse.media_type: {
                    "schema": {
                        "type": "object",
                        "description": "One event.",
                        "properties": {
                            "event": {"enum": ["progress", "done", "failed", "cancelled"]},
                            "data": {
                                "type": "string",
                                "contentMediaType": JSON,
                                "contentSchema": {"$ref": "#/components/schemas/BuildInfo"},
                            },
                        },
                    },
                    "example": 'event: progress\ndata: {"id":"...","state":"running","progress":{"files_read":9}}\n\n',
                }
            }
        },
        204: {"description": "There are no more events: `Last-Event-ID` is the id of the last one."},
        **problem_responses(404),
    },
)
async def get_build_events(
    request: Request,
    id: BuildId,
    last_event_id: Annotated[
        str | None, Header(alias="Last-Event-ID", description="Id of the last event that the client received.")
    ] = None,
) -> Response:
    """Sends `progress` events, then one of `done`, `failed` or `cancelled`, each with the build's document.

    An `EventSource` that reconnects after the last event gets 204, and stops reconnecting.
    """
    service = service_of(request)
    await service.on_disk(partial(_find_build, service, id))
    if last_event_id == _LAST_EVENT_ID:
        return Response(status_code=204)
    # nginx would otherwise hold events back until its buffer is full.
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return EventSourceResponse(_events(request, service, id), headers=headers)


@router.head("/annotation/{id:build}/files/{name}", include_in_schema=False)
@router.get(
    "/annotation/{id:build}/files/{name}",
    summary="Get a file of a build",
    response_class=FileResponse,
    response_description="The file.",
    responses={
        200: {
            "headers": {"ETag": _BUILD_HEADERS["ETag"], "Accept-Ranges": _header("`bytes`.")},
            "content": {media_type: {"schema": _BINARY} for media_type in [*MEDIA_TYPES.values(), ZIP]}
            | {JSON: {"schema": {"type": "object"}}},
        },
        206: {
            "description": "The requested bytes.",
            "headers": {"Content-Range": _header("The range and the size of the file.")},
            "content": {media_type: {"schema": _BINARY} for media_type in [*MEDIA_TYPES.values(), ZIP]}
            | {"multipart/byteranges": {"schema": _BINARY}},
        },
        304: {"description": "The file has not changed."},
        **problem_responses(404, 416),
    },
    openapi_extra={
        "parameters": [
            {"name": "Range", "in": "header", **_header("`bytes=0-1023`; several ranges give `multipart/byteranges`.")},
            {
                "name": "If-None-Match",
                "in": "header",
                **_header("An ETag; the response is 304 if it is still the file's."),
            },
        ]
    },
)
async def get_build_file(request: Request, id: BuildId, name: FileName) -> Response:
    """Downloads a file of a build that has ended, or all its files as `bundle.zip`. The ETag is the file's SHA-256."""
    service = service_of(request)
    return await service.on_disk(lambda: build_file_response(service, _find_build(service, id), name, {}))


async def _create(request: Request, offers: dict[str, Any], prefer: list[str] | None, *, check: bool) -> Response:
    service = service_of(request)
    # A header that cannot be satisfied is refused before the form is read.
    wanted = offers[choose_media(", ".join(request.headers.getlist("accept")) or None, tuple(offers))]
    preferences = parse_preferences(", ".join(prefer or ()))
    state, size = await submit_build(request, service, check=check)
    seconds = _wait_seconds(service, preferences, size, ended=state.result is not None)
    if seconds > 0 and service.watchers.free:
        with service.watchers.slot():
            if await _wait_until_ended(request, service, state.id, seconds):
                return await service.on_disk(partial(_ended_response, request, service, state.id, wanted, check))
    headers = {"Location": build_url(request, state.id), "Retry-After": "1", "Vary": "Accept, Prefer"}
    if "respond-async" in preferences:
        headers["Preference-Applied"] = "respond-async"
    return await service.on_disk(partial(_build_response, request, state, headers, 202))


def _wait_seconds(service: Service, preferences: dict[str, str], size: int, *, ended: bool) -> float:
    """How long to wait for a build; 0 if the response is 202 at once."""
    limit = service.settings.annotation_wait_seconds
    if "wait" in preferences:  # RFC 7240, section 4.3
        text = preferences["wait"]
        return min(limit, float(text) if text.isascii() and text.isdigit() and len(text) < 9 else math.inf)
    if "respond-async" in preferences:
        return 0.0
    return limit if ended or size <= service.settings.annotation_sync_bytes else 0.0


async def _wait_until_ended(request: Request, service: Service, id: str, seconds: float) -> bool:
    """Wait for a build to end; False if it has not ended after the given seconds, or if the server is stopping."""
    disconnect = asyncio.ensure_future(request.receive())
    try:
        async with asyncio.timeout(seconds), aclosing(service.poller.poll(id, TICK_SECONDS)) as states:
            async for _ in states:
                if disconnect.done():
                    raise ClientDisconnect
                if service.stopping.is_set():
                    return False
    except TimeoutError:
        return False
    finally:
        disconnect.cancel()
    return True


def _ended_response(request: Request, service: Service, id: str, wanted: str | None, check: bool) -> Response:
    """The response with a build's file, or with the reason why it failed. Call it in a thread: it reads the disk."""
    state = service.builds.get(id)
    if state is None or state.state == "cancelled":
        raise RequestError(409, "the build was cancelled before it ended: send the request again", field="build")
    names = {artifact.name for artifact in state.result.artifacts} if state.result else set()
    # A check that finds faults has succeeded.
    if state.state == "failed" and not (check and wanted in names):
        failure = describe_failure(request, id, state.result)
        return Response(failure.model_dump_json(), failure.status, media_type=MEDIA_TYPE)
    url = build_url(request, id)
    headers = {"Vary": "Accept, Prefer", "Link": f'<{url}>; rel="describedby"', "Content-Location": url}
    if wanted is None:
        return _build_response(request, state, headers)
    headers["Content-Location"] = build_url(request, id, "files", wanted)
    return build_file_response(service, state, wanted, headers)


def _build_response(request: Request, state: BuildState, headers: dict[str, str], status: int = 200) -> Response:
    return Response(describe_build(request, state).model_dump_json(), status, headers, JSON)


def _find_build(service: Service, id: str) -> BuildState:
    """A build with its report. Call it in a thread: it reads the disk."""
    state = service.builds.get(id)
    if state is None:
        raise build_not_found(id)
    return state


async def _events(request: Request, service: Service, id: str) -> AsyncIterator[bytes]:
    yield format_sse_event(retry=2_000)
    sent = time.monotonic()
    async with aclosing(service.poller.poll(id, TICK_SECONDS)) as states:
        async for state in states:
            if service.stopping.is_set():
                return
            if state is not None:
                yield _event("progress", describe_build(request, state))
            elif time.monotonic() - sent < HEARTBEAT_SECONDS:
                continue
            else:
                yield format_sse_event(comment="still there")
            sent = time.monotonic()
    yield await service.on_disk(partial(_last_event, request, service, id))


def _last_event(request: Request, service: Service, id: str) -> bytes:
    state = service.builds.get(id)
    if state is None:
        return format_sse_event(event="cancelled", data_str=f'{{"id":"{id}","state":"cancelled"}}', id=_LAST_EVENT_ID)
    return _event(state.state, describe_build(request, state), _LAST_EVENT_ID)


def _event(name: str, build: BuildInfo, id: str | None = None) -> bytes:
    return format_sse_event(event=name, data_str=build.model_dump_json(), id=id)
