"""The page at `/`: static files with security headers. It uses only the HTTP interface of the service."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from heatsvc.api.middleware import PAGE_FILES
from heatsvc.api.problems import problem

STATIC = Path(__file__).parent / "static"

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob:; "
    "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",  # revalidated by ETag on each visit, so that a new version is seen at once
}


class PageFiles(StaticFiles):
    """Serves the page's files with the headers above. Starlette adds ETags and handles conditional requests."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a file, or 304 where the client has it."""
        if scope["method"] not in ("GET", "HEAD"):
            response = problem(405, "a file of the page supports GET and HEAD", headers={"Allow": "GET, HEAD"})
            await response(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The response for a path below the folder.

        Raises:
            HTTPException: 404, there is no such file.
        """
        response = await super().get_response(path, scope)
        response.headers.update(_HEADERS)
        return response


_files = PageFiles(directory=STATIC)
_router = APIRouter()


@_router.get("/", include_in_schema=False)
async def get_page(request: Request) -> Response:
    """The page; its scripts ask the service for the rest."""
    return await _files.get_response("index.html", request.scope)


def add_page(app: FastAPI) -> None:
    """Serve the page at `/`, and its files under `/static`."""
    app.include_router(_router)
    app.mount(PAGE_FILES, GZipMiddleware(_files), name="page")
