"""create_app: makes the service as an ASGI application, for any ASGI server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException

from heatsvc import __version__
from heatsvc.api import metrics
from heatsvc.api.memory import keep_freed_memory
from heatsvc.api.middleware import (
    DOCUMENTATION_ASSETS,
    ApiKeyMiddleware,
    ConcurrencyLimitMiddleware,
    DrainRequestBodyMiddleware,
    RequestLogMiddleware,
)
from heatsvc.api.openapi import add_schemas
from heatsvc.api.problems import on_data_directory_error, on_deadline, on_http_error, on_input_error, on_invalid
from heatsvc.api.routes import annotation, clips, health, heatmap, inspection, layouts, pipelines
from heatsvc.api.service import Service
from heatsvc.cancel import DeadlineError
from heatsvc.errors import DeviceError, InputError
from heatsvc.jobs.data_directory import DataDirectoryError
from heatsvc.kernels import KERNELS, KernelsError
from heatsvc.logs import configure_logs
from heatsvc.settings import Settings, load_settings
from heatsvc.web import add_page

log = structlog.get_logger("heatsvc.app")

_SUMMARY = "Human keypoints in, Gaussian heatmap volumes out: PYSKL's `GeneratePoseTarget` and its pipelines over HTTP."
_EXPOSED_HEADERS = (
    "Server-Timing",
    "X-Request-ID",
    "X-Heatmap-Seed",
    "X-Heatmap-Version",
    "X-Heatmap-Warning",
    "Content-Disposition",
    "Content-Location",
    "Content-Range",
    "ETag",
    "Link",
    "Location",
    "Preference-Applied",
    "Retry-After",
)


def create_app(settings: Settings | None = None) -> FastAPI:
    """Make the service as an ASGI application.

    Args:
        settings: None reads them from the environment and `.env`, and configures the process for a server: JSON logs on
            standard error, and an allocator that keeps freed memory.

    Raises:
        SystemExit: a setting is invalid, or names a GPU that does not exist.
    """
    if settings is None:
        settings = load_settings()
        configure_logs(settings.log_level)
        keep_freed_memory()
    try:
        KERNELS.use(settings.kernels)
        service = Service(settings)
    except (DeviceError, KernelsError) as error:
        raise SystemExit(f"heatsvc: {error}") from None
    if KERNELS.hint:
        log.warning("the reference kernels are in use, many times slower than native ones", how=KERNELS.hint)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        metrics.remove_dead_processes()
        service.start()
        yield {"stopping": service.stopping}
        service.stop()

    app = FastAPIOffline(
        routes=heatmap.router.routes,  # matched first, and once: `include_router` would match it twice
        title="heatsvc",
        summary=_SUMMARY,
        version=__version__,
        lifespan=lifespan,
        redoc_url=None,
        static_url=DOCUMENTATION_ASSETS,
        generate_unique_id_function=lambda route: route.name,  # operation ids are the functions' names
    )
    app.state.service = service
    for routes in (clips, annotation, inspection, layouts, pipelines, health, metrics):
        app.include_router(routes.router)
    add_page(app)
    app.add_exception_handler(InputError, on_input_error)
    app.add_exception_handler(DeadlineError, on_deadline)
    app.add_exception_handler(DataDirectoryError, on_data_directory_error)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    _add_middleware(app, service)
    add_schemas(app)
    return app


def _add_middleware(app: FastAPI, service: Service) -> None:
    """Add the middleware. The first one added is the innermost."""
    settings = service.settings
    if settings.api_keys:
        app.add_middleware(ApiKeyMiddleware, keys=[key.get_secret_value() for key in settings.api_keys])
    app.add_middleware(
        ConcurrencyLimitMiddleware,
        limit=settings.max_in_flight,
        exempt=(service.uploads, service.watchers),
    )
    app.add_middleware(RequestLogMiddleware, access_log=settings.access_log and settings.log_level in ("debug", "info"))
    app.add_middleware(DrainRequestBodyMiddleware, seconds=settings.idle_seconds)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["*"],
            expose_headers=_EXPOSED_HEADERS,
        )
