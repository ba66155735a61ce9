"""POST /annotation and POST /annotation/check: files in, a dataset or a report out."""

from __future__ import annotations

import math
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from heatsvc.annotation.artifacts import MEDIA_TYPES, PICKLE, REPORT, REPORT_PAGE
from heatsvc.api.annotation.addresses import BUNDLE, address_of
from heatsvc.api.annotation.described import CHECK, CREATE
from heatsvc.api.annotation.documents import describe
from heatsvc.api.annotation.failure import failed
from heatsvc.api.annotation.files import file_of
from heatsvc.api.annotation.submission import submit
from heatsvc.api.annotation.waiting import ended
from heatsvc.api.heatmap import header_values
from heatsvc.api.negotiation import choose_media, parse_preferences
from heatsvc.api.service import Service, service_of
from heatsvc.jobs.state import BuildState

router = APIRouter()

ZIP = "application/zip"
JSON = "application/json"
OFFERS = {MEDIA_TYPES[PICKLE]: PICKLE, "application/octet-stream": PICKLE, ZIP: BUNDLE, JSON: None}
"""What POST /annotation answers with, by media type; None is the build document."""

CHECK_OFFERS = {JSON: REPORT, "text/html": REPORT_PAGE}
"""What POST /annotation/check answers with."""


@router.post("/annotation", **CREATE)
async def create(request: Request) -> Response:
    """Makes an annotation pickle of keypoint files, labels and splits, with its label map, configs and a report.

    Answered with the pickle, or with what else `Accept` asks for, once it is built. With `Prefer: respond-async`, and
    for large forms, the answer is 202 and the address of a build to watch. The same files and options are built once.
    """
    return await _answer(request, OFFERS, check=False)


@router.post("/annotation/check", **CHECK)
async def check(request: Request) -> Response:
    """Reads everything and tells what is wrong with it, but builds nothing.

    Faults, such as the difference between videos and keypoints, are what is asked for: they are told in the report,
    with 200, whatever the options would make of them.
    """
    return await _answer(request, CHECK_OFFERS, check=True)


async def _answer(request: Request, offers: dict[str, Any], *, check: bool) -> Response:
    service = service_of(request)
    headers = header_values(request.scope)
    # What nothing can satisfy is refused before the form is read.
    wanted = offers[choose_media(headers.get("accept"), tuple(offers))]
    preferences = parse_preferences(headers.get("prefer"))
    state, size = await submit(request, service, check=check)
    seconds = _patience(service, preferences, size, done=state.outcome is not None)
    ended_state = None
    if seconds > 0 and service.watchers.free:
        with service.watchers.place():
            ended_state = await ended(request, service, state.id, seconds)
    if ended_state is None:
        return _accepted(request, state, preferences)
    return await _finished(request, service, ended_state, wanted, check=check)


def _patience(service: Service, preferences: dict[str, str], size: int, *, done: bool) -> float:
    """Seconds to wait for a build."""
    most = service.settings.annotation_wait_seconds
    if "wait" in preferences:  # RFC 7240, 4.3
        most = min(most, _seconds(preferences["wait"]))
    elif "respond-async" in preferences:
        return 0.0
    # What is there already is not worth asking for twice.
    return most if done or size <= service.settings.annotation_sync_bytes else 0.0


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 9 else math.inf


def _accepted(request: Request, state: BuildState, preferences: dict[str, str]) -> Response:
    """202: where the build is to be looked for."""
    headers = {"Location": address_of(request, state.id), "Retry-After": "1", "Vary": "Accept, Prefer"}
    if "respond-async" in preferences:
        headers["Preference-Applied"] = "respond-async"
    return JSONResponse(describe(request, state).model_dump(mode="json"), 202, headers)


async def _finished(
    request: Request, service: Service, state: BuildState, wanted: str | None, *, check: bool
) -> Response:
    outcome = state.outcome
    there = {artifact.name for artifact in outcome.artifacts} if outcome else set()
    # A check that finds faults has done what it was asked for.
    if state.state == "failed" and not (check and wanted in there):
        return failed(request, state)
    build = address_of(request, state.id)
    headers = {"Vary": "Accept, Prefer", "Link": f'<{build}>; rel="describedby"'}
    if wanted is None:
        return JSONResponse(
            describe(request, state).model_dump(mode="json"), headers={**headers, "Content-Location": build}
        )
    headers["Content-Location"] = address_of(request, state.id, "files", wanted)
    return await file_of(service, state, wanted, headers)
