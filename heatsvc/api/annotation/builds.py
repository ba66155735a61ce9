"""GET /annotation, GET and DELETE /annotation/{id}: builds, to be looked at and taken back."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from heatsvc.api.annotation.addresses import check_id, no_build
from heatsvc.api.annotation.described import NO_BUILD, problems
from heatsvc.api.annotation.documents import BuildInfo, BuildList, describe
from heatsvc.api.problems import busy
from heatsvc.api.service import service_of
from heatsvc.jobs.builds import StillEndingError

router = APIRouter()

_HEADERS = {"Cache-Control": "no-store"}


@router.get("/annotation", summary="List builds", responses=problems("401", "422"))
async def builds(
    request: Request,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=1_000, description="How many at most.")] = 100,
) -> BuildList:
    """The builds that are kept, the newest first."""
    service = service_of(request)
    response.headers.update(_HEADERS)
    with service.watchers.place():
        states = await service.on_disk(partial(service.builds.list, limit))
    return BuildList(builds=[describe(request, state) for state in states])


@router.get("/annotation/{id}", summary="Look at a build", responses={**problems("401"), **NO_BUILD})
async def build(request: Request, response: Response, id: str) -> BuildInfo:
    """State, progress, and links to what it gave. `Retry-After` says when to look again, until it has ended."""
    check_id(id)
    service = service_of(request)
    state = await service.on_disk(partial(service.builds.get, id))
    if state is None:
        raise no_build(id)
    response.headers.update(_HEADERS)
    if state.result is None:
        left = state.progress.seconds_left if state.progress else None
        response.headers["Retry-After"] = str(max(1, min(60, round(left or 1))))
    return describe(request, state)


@router.delete(
    "/annotation/{id}",
    summary="Cancel and remove a build",
    status_code=204,
    responses={**problems("401"), **NO_BUILD},
)
async def remove(request: Request, id: str) -> None:
    """Ends it where it is still being built, and removes its files."""
    check_id(id)
    service = service_of(request)
    try:
        removed = await service.on_disk(partial(service.builds.remove, id))
    except StillEndingError:
        raise busy("the build has been cancelled, and is about to end", retry_after=5) from None
    if not removed:
        raise no_build(id)
