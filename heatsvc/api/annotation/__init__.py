"""/annotation: datasets over HTTP; one module a concern, `router` holds the routes of all."""

from __future__ import annotations

from fastapi import APIRouter

from heatsvc.api.annotation.builds import router as builds_routes
from heatsvc.api.annotation.events import router as events_routes
from heatsvc.api.annotation.files import router as files_routes
from heatsvc.api.annotation.submit import router as submit_routes

router = APIRouter(tags=["datasets"])
for routes in (submit_routes, builds_routes, events_routes, files_routes):
    router.include_router(routes)
