"""Problems: what went wrong, as RFC 9457's `application/problem+json`. The only place that knows status codes."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from heatsvc.errors import InputError, LimitError

MEDIA_TYPE = "application/problem+json"

_TITLES = {
    400: "The request is broken",
    401: "A key is needed",
    404: "There is nothing here",
    405: "This method is not for this address",
    406: "No form of the answer is acceptable",
    408: "The request did not arrive in time",
    413: "Too large",
    415: "The body is of a type that is not known",
    422: "The request cannot be done",
    500: "The service failed",
    503: "The service cannot do this now",
}

# What JSON's readers, and its writer here, hold for certain: a Content-Length or a side may have a hundred digits.
_MOST = 2**53


class RequestError(InputError):
    """A request that is wrong as HTTP.

    Attributes:
        status: the status code.
        headers: to be sent with it.
    """

    def __init__(self, status: int, detail: str, *, field: str | None = None, headers: dict[str, str] | None = None):
        super().__init__(detail, field=field)
        self.status = status
        self.headers = headers or {}


class ClientGoneError(Exception):
    """The client hung up: nobody waits for an answer."""


def busy(detail: str, *, retry_after: int = 1) -> RequestError:
    """503, with the seconds after which to try again."""
    return RequestError(503, detail, headers={"Retry-After": str(retry_after)})


def status_of(error: InputError) -> int:
    """The status code of an error from any room."""
    if isinstance(error, RequestError):
        return error.status
    if isinstance(error, LimitError) and error.setting.endswith("_BYTES"):
        return 413
    return 422


def problem(status: int, detail: str, *, headers: dict[str, str] | None = None, **members: Any) -> Response:
    """A problem document; members that are None are left out."""
    document = {"type": "about:blank", "title": _TITLES.get(status, "Problem"), "status": status, "detail": detail}
    document.update((name, value) for name, value in members.items() if value is not None)
    return Response(orjson.dumps(document, default=str), status, headers, MEDIA_TYPE)


async def on_input_error(request: Request, error: Exception) -> Response:
    """What a room below said of the input."""
    assert isinstance(error, InputError)  # noqa: S101  # registered for no other
    limit = error if isinstance(error, LimitError) else None
    return problem(
        status_of(error),
        error.detail,
        headers=error.headers if isinstance(error, RequestError) else None,
        field=error.field or None,
        file=error.file,
        frame=error.frame,
        setting=limit and limit.setting,
        limit=limit and limit.limit,
        got=limit and min(limit.got, _MOST),
    )


async def on_http_error(request: Request, error: Exception) -> Response:
    """What the framework says: no such address, no such method, a form it cannot read."""
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for no other
    detail = str(error.detail)
    if error.status_code == 404:
        detail = f"{request.url.path} is no address of this service: see /docs"
    elif error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        detail = f"{request.method} is not for {request.url.path}" + (f": use {allowed}" if allowed else "")
    return problem(error.status_code, detail, headers=dict(error.headers or {}))
