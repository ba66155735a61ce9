"""GET /annotation/{id}/files/{name}: what a build gave, whole or in ranges (RFC 9110, 14)."""

from __future__ import annotations

import os
import re
from functools import partial
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from heatsvc.annotation.artifacts import Artifact
from heatsvc.api.annotation.addresses import BUNDLE, check_id, no_build
from heatsvc.api.annotation.bundle import bundle_of
from heatsvc.api.annotation.described import FILE
from heatsvc.api.limits import Places
from heatsvc.api.problems import RequestError
from heatsvc.api.service import Service, service_of
from heatsvc.jobs.folder import BuildFolder
from heatsvc.jobs.state import BuildState

router = APIRouter()

_RANGES = re.compile(
    r"bytes=[ \t]*(\d{1,18}-\d{0,18}|-\d{1,18})([ \t]*,[ \t]*(\d{1,18}-\d{0,18}|-\d{1,18})){0,99}[ \t]*"
)
# A page made of what others sent has nothing to load, and nowhere to send anything to.
_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"


@router.head("/annotation/{id}/files/{name}", include_in_schema=False)
@router.get("/annotation/{id}/files/{name}", **FILE)
async def file(request: Request, id: str, name: str) -> Response:
    """A file of a build that has ended, or all of them as `bundle.zip`. Its ETag is the hash of its bytes."""
    check_id(id)
    service = service_of(request)
    state = await service.on_disk(partial(service.builds.get, id))
    if state is None:
        raise no_build(id)
    return await file_of(service, state, name, {})


async def file_of(service: Service, state: BuildState, name: str, headers: dict[str, str]) -> Response:
    """The answer that sends a file.

    Raises:
        RequestError: 404, the build has no such file, or not yet; 507, no room to make the bundle.
    """
    try:
        path, artifact, told = await service.on_disk(partial(_find, service.builds.folder(state.id), state, name))
    except FileNotFoundError:
        raise no_build(state.id) from None
    kind = "inline" if artifact.media_type.startswith("text/html") else "attachment"
    headers = {
        "ETag": f'"{artifact.sha256}"',
        "Content-Disposition": f'{kind}; filename="{artifact.name}"',
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
        "Content-Type": artifact.media_type,
        **headers,
    }
    if kind == "inline":
        headers["Content-Security-Policy"] = _PAGE_POLICY
    return _Sending(path, told, artifact.media_type, headers, service.watchers)


def _find(folder: BuildFolder, state: BuildState, name: str) -> tuple[Path, Artifact, os.stat_result]:
    result = state.result
    if result is None:
        raise RequestError(404, f"the build is {state.state}: its files are there once it is done")
    if name == BUNDLE and state.state == "done":
        path, found = bundle_of(folder, result.artifacts)
        return path, found, path.stat()
    for artifact in result.artifacts:
        if artifact.name == name:
            path = folder.artifacts / artifact.name
            return path, artifact, path.stat()
    there = [*(artifact.name for artifact in result.artifacts), *([BUNDLE] if state.state == "done" else ())]
    raise RequestError(404, f"the build has no file {name!r:.60}: it has {', '.join(there) or 'none'}")


class _Sending(FileResponse):
    """A file, in the framework's way of sending one; conditions and ranges that it does not know are settled before."""

    chunk_size = 256 << 10

    def __init__(
        self, path: Path, told: os.stat_result, media_type: str, headers: dict[str, str], places: Places
    ) -> None:
        super().__init__(path, headers=headers, media_type=media_type, stat_result=told)
        self._places = places
        self._size = told.st_size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, in a place among those that take long."""
        with self._places.place():
            if scope["method"] in ("GET", "HEAD"):
                headers = Headers(scope=scope)
                if _matches(headers.get("if-none-match"), self.headers["etag"]):
                    kept = {name: self.headers[name] for name in ("etag", "cache-control", "last-modified")}
                    await Response(status_code=304, headers=kept)(scope, receive, send)
                    return
                scope = self._with_known_range(scope, headers)
            await super().__call__(scope, receive, send)

    def _with_known_range(self, scope: Scope, headers: Headers) -> Scope:
        """The request without a range that means nothing: those are to be ignored (RFC 9110, 14.2).

        Raises:
            RequestError: 416, none of the bytes are there.
        """
        ranges = headers.get("range", "")
        unchanged = headers.get("if-range") in (None, self.headers["etag"], self.headers["last-modified"])
        pieces = [piece.strip().split("-") for piece in ranges.partition("=")[2].split(",")]
        if _RANGES.fullmatch(ranges) and not any(first and last and int(first) > int(last) for first, last in pieces):
            there = [
                piece for piece in pieces if (int(piece[0]) < self._size if piece[0] else int(piece[1]) and self._size)
            ]
            if unchanged and not there:
                raise RequestError(
                    416,
                    f"Range: {ranges:.100} is beyond the file's {self._size:,} bytes",
                    field="Range",
                    headers={"Content-Range": f"bytes */{self._size}"},
                )
            ranges = "bytes=" + ",".join("-".join(piece) for piece in there)
        else:
            ranges = ""
        kept = [(name, value) for name, value in scope["headers"] if name != b"range"]
        return {**scope, "headers": [*kept, (b"range", ranges.encode())] if ranges else kept}


def _matches(condition: str | None, etag: str) -> bool:
    """Whether an If-None-Match names the file (RFC 9110, 13.1.2), in weak comparison."""
    if condition is None:
        return False
    return any(tag.strip() in ("*", etag, f"W/{etag}") for tag in condition.split(","))
