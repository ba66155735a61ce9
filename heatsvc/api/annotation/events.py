"""GET /annotation/{id}/events: progress as server-sent events."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from functools import partial

import orjson
from fastapi import APIRouter, Request
from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from heatsvc.api.annotation.addresses import check_id, no_build
from heatsvc.api.annotation.described import EVENTS
from heatsvc.api.annotation.documents import describe
from heatsvc.api.limits import Places
from heatsvc.api.service import Service, service_of
from heatsvc.jobs.state import BuildState

router = APIRouter()

_HEARTBEAT = 10.0
# How soon a server that is to stop is noticed.
_TICK = 1.0
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would keep events until it has many
}
# The id of the last event: an EventSource that comes back with it has seen all there is.
_LAST = "end"


@router.get("/annotation/{id}/events", **EVENTS)
async def events(request: Request, id: str) -> Response:
    """`progress` events while it is built, then one of `done`, `failed` or `cancelled`, and the stream ends.

    The data is the build's document. An `EventSource` that connects again after the last event is answered with 204,
    which ends it.
    """
    check_id(id)
    service = service_of(request)
    if await service.on_disk(partial(service.builds.get, id)) is None:
        raise no_build(id)
    if request.headers.get("last-event-id") == _LAST:
        return Response(status_code=204)
    return _Stream(_events(request, service, id), service.watchers)


class _Stream(EventSourceResponse):
    """Events, in a place among those that take long."""

    def __init__(self, events: AsyncIterator[bytes], places: Places) -> None:
        super().__init__(events, headers=_HEADERS)
        self._places = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them for as long as there are any, and somebody to take them."""
        with self._places.place():
            await super().__call__(scope, receive, send)


async def _events(request: Request, service: Service, build: str) -> AsyncIterator[bytes]:
    """The stream, piece by piece; it is closed where the client hangs up."""
    async with service.watch.watch(build) as seen:
        changes, told = 0, time.monotonic()
        yield format_sse_event(retry=2_000)
        while not service.stopping.is_set():
            changed = await seen.changed(changes, _TICK)
            changes = seen.changes
            if seen.over:
                yield await _last(request, service, build)
                return
            if changed and seen.state is not None:
                yield _event(request, "progress", seen.state)
            elif time.monotonic() - told < _HEARTBEAT:
                continue
            else:
                yield format_sse_event(comment="still there")
            told = time.monotonic()


async def _last(request: Request, service: Service, build: str) -> bytes:
    state = await service.on_disk(partial(service.builds.get, build))
    if state is None:
        return format_sse_event(event="cancelled", data_str=f'{{"id":"{build}","state":"cancelled"}}', id=_LAST)
    return _event(request, state.state, state, last=_LAST)


def _event(request: Request, name: str, state: BuildState, last: str | None = None) -> bytes:
    data = orjson.dumps(describe(request, state).model_dump(mode="json"))
    return format_sse_event(event=name, data_str=data.decode(), id=last)
