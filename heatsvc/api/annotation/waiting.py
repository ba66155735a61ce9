"""Waiting: for a build to end, as long as the client, the settings and the server allow."""

from __future__ import annotations

import asyncio
import time
from functools import partial

from starlette.requests import Request

from heatsvc.api.problems import ClientGoneError, RequestError
from heatsvc.api.service import Service
from heatsvc.jobs.state import BuildState

_TICK = 1.0


async def ended(request: Request, service: Service, build: str, seconds: float) -> BuildState | None:
    """A build that has ended, with its report; None where it has not in so many seconds, or the server stops.

    Raises:
        RequestError: 409, somebody took the build back.
        ClientGoneError: the client hung up; the build goes on, so that it is there when asked for again.
    """
    until = time.monotonic() + seconds
    gone = asyncio.ensure_future(request.receive())
    try:
        async with service.watch.watch(build) as seen:
            changes = 0
            while not seen.over:
                left = until - time.monotonic()
                if left <= 0 or service.stopping.is_set():
                    return None
                await seen.changed(changes, min(left, _TICK))
                changes = seen.changes
                if gone.done():
                    raise ClientGoneError
    finally:
        gone.cancel()
    state = await service.on_disk(partial(service.builds.get, build))
    if state is None or state.state == "cancelled":
        raise RequestError(409, "the build was cancelled while it was waited for: send its input again", field="build")
    return state
