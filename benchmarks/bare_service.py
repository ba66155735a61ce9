"""A bare FastAPI route: reads the request and responds with stored bytes. The cost of a route that does nothing.

`BARE_RESPONSE` names a folder with the response's `body` and its `headers`, one `name: value` a line.
"""

from __future__ import annotations

import os
from pathlib import Path

from fastapi import FastAPI, Request, Response

app = FastAPI()
_stored = Path(os.environ["BARE_RESPONSE"])
_body = (_stored / "body").read_bytes()
_headers = dict(line.split(": ", 1) for line in (_stored / "headers").read_text().splitlines())


@app.get("/health/ready")
async def ready() -> dict[str, str]:
    """Ready as soon as it responds."""
    return {"status": "ready"}


@app.post("/heatmap")
async def heatmap(request: Request) -> Response:
    """Read the whole body, and respond with the stored bytes."""
    await request.body()
    return Response(_body, headers=_headers)
