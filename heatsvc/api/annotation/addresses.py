"""Addresses: where a build and what belongs to it are found."""

from __future__ import annotations

from starlette.requests import Request

from heatsvc.api.problems import RequestError
from heatsvc.jobs.folder import is_build_id

BUNDLE = "bundle.zip"
"""The name under which all artifacts of a build are found in one archive."""


def address_of(request: Request, build: str, *rest: str) -> str:
    """The path of a build, or of something that belongs to it, as clients see it."""
    return "/".join([f"{request.scope.get('root_path', '')}/annotation", build, *rest])


def no_build(build: str) -> RequestError:
    """404: there is no build of this id, or none any more."""
    return RequestError(404, f"there is no build {build!r:.60}: GET /annotation lists the ones there are")


def check_id(build: str) -> None:
    """Raise 404 for what cannot be a build's id: it goes into no path, and no query."""
    if not is_build_id(build):
        raise no_build(build)
