"""Cancellation: what happens to a request's work when its caller is cancelled or its client disconnects."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from starlette.requests import Request

from heatsvc.cancel import CancelToken

Result = TypeVar("Result")


async def wait_shielded(work: asyncio.Future[Result]) -> Result:
    """Wait for work in a thread, and return its result.

    If the caller is cancelled, wait for the work to end, then raise.
    """
    try:
        await asyncio.wait((work,))
    except asyncio.CancelledError:
        await asyncio.wait((work,))
        raise
    return work.result()


@asynccontextmanager
async def cancel_on_disconnect(request: Request, token: CancelToken) -> AsyncIterator[None]:
    """Cancel a token if the client disconnects while the block runs. The body must have been read."""

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        token.cancel()

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
