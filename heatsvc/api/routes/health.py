"""GET /health/live and /health/ready: whether the process responds, and whether it can render."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from heatsvc import __version__
from heatsvc.api.problems import NEEDS_NO_KEY, RequestError, problem_responses
from heatsvc.api.service import service_of
from heatsvc.kernels import KERNELS

router = APIRouter(prefix="/health", tags=["service"], responses=problem_responses(500))


class Liveness(BaseModel):
    """The process responds."""

    status: Literal["live"] = "live"


class DeviceMeasurement(BaseModel):
    """How long the CPU and the GPU took for the same batch."""

    clips: int
    bytes: int
    cpu_seconds: float
    gpu_seconds: float


class DeviceInfo(BaseModel):
    """The device that renders."""

    asked: str = Field(description="Value of HEATSVC_DEVICE.")
    used: str
    why: str
    from_bytes: int | None = Field(description="Size of the smallest batch that the GPU renders; null without a GPU.")
    cpu_workers: int = Field(description="Threads that render on the CPU.")
    measured: list[DeviceMeasurement]


class Readiness(BaseModel):
    """The service can render."""

    status: Literal["ready"] = "ready"
    version: str = __version__
    device: DeviceInfo
    kernels: Literal["native", "reference"] = Field(description="`native`: compiled code; `reference`: NumPy, slower.")
    kernels_hint: str | None = Field(description="How to get compiled kernels; null if they are in use.")


@router.get(
    "/live",
    summary="Check that the process responds",
    response_description="The process responds.",
    openapi_extra=NEEDS_NO_KEY,
)
async def get_liveness() -> Liveness:
    """Returns 200 as long as the process responds."""
    return Liveness()


@router.get(
    "/ready",
    summary="Check that the service can render",
    response_description="The service is ready.",
    responses=problem_responses(503),
    openapi_extra=NEEDS_NO_KEY,
)
async def get_readiness(request: Request) -> Readiness:
    """Returns 200 once a device is selected and the data directory can be used; otherwise 503, with the reason.

    The response says which device renders large batches, and why.
    """
    service = service_of(request)
    if service.failure:
        raise RequestError(503, f"no device could be selected: {service.failure}")
    service.check_ready()
    unusable = await service.on_disk(service.builds.directory.check)
    if unusable:
        raise RequestError(503, unusable)
    device = DeviceInfo.model_validate(service.renderer.describe())
    return Readiness(device=device, kernels=KERNELS.name, kernels_hint=KERNELS.hint)
