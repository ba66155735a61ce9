"""create_app: the service, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from heatsvc import __version__
from heatsvc.api import heatmap, metrics
from heatsvc.api.colleagues import Colleagues
from heatsvc.api.door import Door
from heatsvc.api.lanes import DeviceError
from heatsvc.api.openapi import complete
from heatsvc.api.problems import on_data_directory_error, on_http_error, on_input_error, on_invalid
from heatsvc.api.routes import annotation, health, layouts, pipelines
from heatsvc.api.service import Service
from heatsvc.api.shortcut import ShortcutApp
from heatsvc.errors import InputError
from heatsvc.jobs.data_directory import DataDirectoryError
from heatsvc.settings import Settings

_SUMMARY = "Human keypoints in, Gaussian heatmap volumes out: PYSKL's `GeneratePoseTarget` and its pipelines over HTTP."


def create_app(settings: Settings | None = None, colleagues: Colleagues | None = None) -> FastAPI:
    """The service as an ASGI app.

    Args:
        settings: in force; None reads them from the environment and `.env`.
        colleagues: what it has in common with the other processes of the service; None: it is alone.

    Raises:
        SystemExit: they ask for a GPU that is not there.
    """
    try:
        service = Service(settings or Settings(), colleagues)
    except DeviceError as error:
        raise SystemExit(f"heatsvc: {error}") from None

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        service.stop()

    app = ShortcutApp(
        title="heatsvc",
        summary=_SUMMARY,
        version=__version__,
        lifespan=lifespan,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,  # operation ids are the functions' names
    )
    app.state.service = app.service = service
    app.shortcut = heatmap.route
    app.router.routes.insert(0, heatmap.route)
    for routes in (annotation, layouts, pipelines, health, metrics):
        app.include_router(routes.router)
    app.add_route("/", lambda _: RedirectResponse("/docs"), include_in_schema=False)
    app.add_exception_handler(InputError, on_input_error)
    app.add_exception_handler(DataDirectoryError, on_data_directory_error)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_middleware(Door, service=service)
    if service.settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=service.settings.cors_origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["*"],
            expose_headers=[
                "Server-Timing",
                "X-Request-ID",
                "X-Heatmap-Seed",
                "Content-Disposition",
                "Content-Location",
                "Content-Range",
                "ETag",
                "Link",
                "Location",
                "Preference-Applied",
                "Retry-After",
            ],
        )
    complete(app)
    return app
