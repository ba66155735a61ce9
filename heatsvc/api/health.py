"""Health: whether the process lives, and whether it can draw."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from heatsvc import __version__
from heatsvc.api.problems import problem
from heatsvc.api.service import service_of

router = APIRouter(prefix="/health", tags=["service"])


@router.get("/live", summary="The process answers")
async def live() -> dict[str, str]:
    """200 as long as the process answers at all."""
    return {"status": "live"}


@router.get("/ready", summary="The compiled loops are there", responses={503: {"description": "Not yet."}})
async def ready(request: Request) -> Any:
    """200 once heatmaps can be drawn at full speed, 503 until then. Tells what they are drawn on, and why on that."""
    service = service_of(request)
    if service.failure:
        return problem(503, f"the loops could not be compiled: {service.failure}")
    service.check_ready()
    seconds = round(service.warm_seconds or 0.0, 3)
    return {"status": "ready", "version": __version__, "device": service.lanes.told(), "warm_seconds": seconds}
