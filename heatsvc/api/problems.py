"""Maps errors to RFC 9457 responses, `application/problem+json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import orjson
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from heatsvc.errors import InputError, LimitError
from heatsvc.jobs.data_directory import DataDirectoryError
from heatsvc.pipeline.errors import explain_invalid

Options = TypeVar("Options", bound=BaseModel)

MEDIA_TYPE = "application/problem+json"

NEEDS_NO_KEY: dict[str, Any] = {"security": []}
"""For the `openapi_extra` of routes that respond without an API key."""

_TITLES = {
    400: "The request is malformed",
    401: "An API key is required",
    404: "Not found",
    405: "Method not allowed",
    406: "No acceptable representation",
    408: "The request did not arrive in time",
    409: "The build was cancelled",
    413: "Too large",
    415: "Unsupported media type",
    416: "Range not satisfiable",
    422: "The request cannot be processed",
    500: "The service failed",
    503: "The service is not available",
    507: "The service's disk is full",
}

_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")

# The largest integer that JSON numbers represent exactly; a Content-Length or a side may have a hundred digits.
_MOST = 2**53


def optional_member(description: str) -> Any:
    """A field of a problem document that is absent if it does not apply."""
    return Field(None, description=description, exclude_if=lambda value: value is None)


class Problem(BaseModel):
    """Why a request failed (RFC 9457). Members that do not apply are absent."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = Field(description="What is wrong, and what would be valid.")
    field: str | None = optional_member("Path of the field with the error: `clips[3].img_shape`, `pipeline[2].scale`.")
    file: str | None = optional_member("Name of the file with the error.")
    frame: int | None = optional_member("Index of the frame with the error.")
    setting: str | None = optional_member("The setting whose limit was exceeded.")
    limit: int | None = optional_member("Value of the setting.")
    got: int | None = optional_member("Value of the request, in the same unit.")


def problem_responses(*statuses: int, schema: str = "Problem") -> dict[int | str, dict[str, Any]]:
    """Problem documents with these status codes, for a route's `responses`.

    Args:
        schema: the name of the document's schema, one that `api/openapi.py` adds to the OpenAPI document.
    """
    content = {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {status: {"description": _TITLES[status], "content": content} for status in statuses}


class RequestError(InputError):
    """A request that cannot be processed, with a status code of its own.

    Attributes:
        status: the status code.
        headers: response headers.
    """

    def __init__(self, status: int, detail: str, *, field: str | None = None, headers: dict[str, str] | None = None):
        super().__init__(detail, field=field)
        self.status = status
        self.headers = headers or {}


def busy(detail: str, *, retry_after: int = 1) -> RequestError:
    """The error 503 with `Retry-After`."""
    return RequestError(503, detail, headers={"Retry-After": str(retry_after)})


def status_of(error: InputError) -> int:
    """The status code of an error from any package."""
    if isinstance(error, RequestError):
        return error.status
    if isinstance(error, LimitError) and error.setting.endswith("_BYTES"):
        return 413
    return 422


def document(status: int, detail: str, **members: Any) -> dict[str, Any]:
    """A problem document; members that are None are left out."""
    given = {name: value for name, value in members.items() if value is not None}
    return {"type": "about:blank", "title": _TITLES.get(status, "Problem"), "status": status, "detail": detail, **given}


def problem(status: int, detail: str, *, headers: dict[str, str] | None = None, **members: Any) -> Response:
    """A response with a problem document; members that are None are left out."""
    return Response(orjson.dumps(document(status, detail, **members), default=str), status, headers, MEDIA_TYPE)


def members_of(error: InputError) -> dict[str, Any]:
    """The location of an error and the limit that was exceeded, as members of a problem document."""
    limit = error if isinstance(error, LimitError) else None
    return {
        "field": error.field or None,
        "file": error.file,
        "frame": error.frame,
        "setting": limit and limit.setting,
        "limit": limit and limit.limit,
        "got": limit and min(limit.got, _MOST),
    }


async def on_input_error(request: Request, error: Exception) -> Response:
    """Respond to an error in the input that any package raised."""
    assert isinstance(error, InputError)  # noqa: S101  # registered for no other
    headers = error.headers if isinstance(error, RequestError) else None
    return problem(status_of(error), error.detail, headers=headers, **members_of(error))


async def on_http_error(request: Request, error: Exception) -> Response:
    """Respond to Starlette's own errors: an unknown path or method, an unreadable form."""
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for no other
    detail, headers = str(error.detail), dict(error.headers or {})
    if error.status_code == 404:
        detail = f"{request.url.path} does not exist: /docs lists all paths"
    elif error.status_code == 405:
        headers["Allow"] = ", ".join(_allowed_methods(request))
        detail = f"{request.url.path} does not support {request.method}: use {headers['Allow']}"
    return problem(error.status_code, detail, headers=headers)


def _allowed_methods(request: Request) -> list[str]:
    """All methods of a request's path; Starlette names only those of the first matching route."""
    routes = request.app.routes
    return [
        method
        for method in _METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    ]


async def on_data_directory_error(request: Request, error: Exception) -> Response:
    """Respond with 507 if the data directory is full, and 503 if it is read-only, deleted or unreadable."""
    assert isinstance(error, DataDirectoryError)  # noqa: S101  # registered for no other
    detail = f"{error.reason}: the request was discarded, send it again later"
    return problem(507 if error.is_full else 503, detail, headers={"Retry-After": "60"})


async def on_deadline(request: Request, error: Exception) -> Response:
    """Respond to a request that took longer than its deadline."""
    detail = f"{error} (setting HEATSVC_REQUEST_SECONDS): request fewer clips, smaller maps or a smaller sigma"
    return problem(503, detail, headers={"Retry-After": "10"})


async def on_invalid(request: Request, error: Exception) -> Response:
    """Respond to FastAPI's errors about a parameter."""
    assert isinstance(error, RequestValidationError)  # noqa: S101  # registered for no other
    first = error.errors()[0]
    name = str(first["loc"][-1])[:60]
    return problem(422, f"{name} cannot be {str(first.get('input'))!r:.60}: {first['msg']}", field=name)


def validated(model: type[Options], given: Mapping[str, Any]) -> Options:
    """Validate options.

    Raises:
        RequestError: 422, an unknown option, for which the message lists the known ones, or an invalid value.
    """
    try:
        return model.model_validate(given)
    except ValidationError as error:
        name, detail = explain_invalid(error, model, given)
        raise RequestError(422, detail, field=name) from None
