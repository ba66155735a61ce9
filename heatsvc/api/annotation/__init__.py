"""/annotation: datasets over HTTP; one module a concern, `router` holds the routes of all."""

from __future__ import annotations

from fastapi import APIRouter

from heatsvc.api.annotation.builds import router as builds
from heatsvc.api.annotation.events import router as events
from heatsvc.api.annotation.files import router as files
from heatsvc.api.annotation.submit import router as submit

router = APIRouter(tags=["datasets"])
for routes in (submit, builds, events, files):
    router.include_router(routes)
