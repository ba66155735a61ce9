"""Middleware for all requests: access log, limit of requests in flight, API keys, unread bodies."""

from __future__ import annotations

import asyncio
import hmac
import random
from collections.abc import Iterable, Sequence
from time import perf_counter

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from heatsvc.api import metrics
from heatsvc.api.limits import ConcurrencyLimit
from heatsvc.api.problems import problem
from heatsvc.cancel import CancelledError
from heatsvc.logs import log_request

log = structlog.get_logger("heatsvc.request")

_MAX_ID_LENGTH = 128
_MAX_DRAINED_BYTES = 1 << 30
# These need no API key, and do not count as requests in flight.
_HEALTH_PATHS = ("/health/live", "/health/ready", "/metrics")
# The page and the documentation need no API key.
_DOCUMENTATION_PATHS = ("/", "/docs", "/openapi.json")
DOCUMENTATION_ASSETS = "/docs-assets"
"""The path under which the files of Swagger UI are served."""
PAGE_FILES = "/static"
"""The path under which the files of the page are served."""


def path_of(scope: Scope) -> str:
    """The request's path without the application's `root_path`."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


class RequestLogMiddleware:
    """Gives each request an id, logs and counts it, and turns unhandled exceptions into a 500.

    Args:
        access_log: whether to log a line for each request.
    """

    def __init__(self, app: ASGIApp, access_log: bool) -> None:
        self._app = app
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request. A client that closed the connection is logged with the status 499."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        request_id = _request_id(scope)
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id)]
            await send(message)

        metrics.in_flight.inc()
        try:
            await self._app(scope, receive, send_with_id)
        except (ClientDisconnect, CancelledError, asyncio.CancelledError) as error:
            status = 499
            if isinstance(error, asyncio.CancelledError):
                raise
        except Exception:
            log.exception("request failed", request_id=request_id.decode(), path=scope["path"])
            if not status:
                detail = "internal error: the service's log has the reason under this request's id"
                await problem(500, detail)(scope, receive, send_with_id)
        finally:
            seconds = perf_counter() - started
            metrics.in_flight.dec()
            route = getattr(scope.get("route"), "path_format", "unknown")
            method = scope["method"] if scope["method"] in metrics.METHODS else "other"
            metrics.requests.labels(method, route, str(status or 500)).inc()
            metrics.request_seconds.labels(route).observe(seconds)
            if self._access_log:
                client = scope.get("client")
                log_request(
                    request_id=request_id.decode(),
                    client=client[0] if client else None,
                    method=scope["method"],
                    path=scope["path"],
                    status=status,
                    milliseconds=round(1e3 * seconds, 3),
                )


def _request_id(scope: Scope) -> bytes:
    """The client's `X-Request-ID` if it is short and printable, so that logs can be joined; else a new id."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _is_request_id(value):
            return bytes(value)
    return b"%016x" % random.getrandbits(64)  # only identifies log lines


def _is_request_id(value: bytes) -> bool:
    return 0 < len(value) <= _MAX_ID_LENGTH and value.isascii() and value.decode().isprintable()


class ConcurrencyLimitMiddleware:
    """Responds with 503 while `limit` requests are in flight, not counting health checks and metrics.

    Args:
        exempt: the slots of requests that do not count, because other limits apply to them.
    """

    def __init__(self, app: ASGIApp, limit: int, exempt: Sequence[ConcurrencyLimit]) -> None:
        self._app = app
        self._limit = limit
        self._exempt = exempt
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or path_of(scope) in _HEALTH_PATHS:
            await self._app(scope, receive, send)
        elif self._in_flight - sum(slots.taken for slots in self._exempt) >= self._limit:
            detail = f"{self._limit} requests are in flight already (setting HEATSVC_MAX_IN_FLIGHT)"
            members = {"setting": "HEATSVC_MAX_IN_FLIGHT", "limit": self._limit}
            await problem(503, detail, headers={"Retry-After": "1"}, **members)(scope, receive, send)
        else:
            self._in_flight += 1
            try:
                await self._app(scope, receive, send)
            finally:
                self._in_flight -= 1


class ApiKeyMiddleware:
    """Responds with 401 unless one of `keys` is sent as a bearer token.

    Health checks, metrics, the page and the documentation need no key.
    """

    def __init__(self, app: ASGIApp, keys: Iterable[str]) -> None:
        self._app = app
        self._keys = [key.encode() for key in keys]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        app = self._app
        if scope["type"] == "http" and not _is_open(path_of(scope)) and not self._has_key(scope):
            detail = "the request has no valid API key: send one as Authorization: Bearer KEY"
            app = problem(401, detail, headers={"WWW-Authenticate": 'Bearer realm="heatsvc"'})
        await app(scope, receive, send)

    def _has_key(self, scope: Scope) -> bool:
        """Whether the token is one of the keys, compared in constant time."""
        token = b""
        for name, value in scope["headers"]:
            if name == b"authorization" and value[:7].lower() == b"bearer ":
                token = value[7:].strip()
        return sum(hmac.compare_digest(key, token) for key in self._keys) > 0


def _is_open(path: str) -> bool:
    return (
        path in _HEALTH_PATHS
        or path in _DOCUMENTATION_PATHS
        or path.startswith((DOCUMENTATION_ASSETS + "/", PAGE_FILES + "/"))
    )


class DrainRequestBodyMiddleware:
    """Reads the rest of a request's body before the end of a response that closes the connection.

    Closing a connection with unread bytes resets it, and the client may lose the response that says why its body was
    refused. If the connection stays open, the server itself reads and discards the rest of the body.

    Args:
        seconds: maximum time to read.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request. After a 408 nothing is read: the client has stopped sending."""
        if scope["type"] != "http" or not _closes_connection(scope):
            await self._app(scope, receive, send)
            return
        is_read = False

        async def tracked_receive() -> Message:
            nonlocal is_read
            message = await receive()
            is_read = not message.get("more_body", False)
            return message

        async def draining_send(message: Message) -> None:
            nonlocal is_read
            if message["type"] == "http.response.start":
                is_read = is_read or message["status"] == 408
            elif not is_read and not message.get("more_body", False):
                await send({**message, "more_body": True})
                await drain_request_body(receive, self._seconds)
                message = {"type": "http.response.body"}
            await send(message)

        await self._app(scope, tracked_receive, draining_send)


def _closes_connection(scope: Scope) -> bool:
    return scope.get("http_version") == "1.0" or any(
        name == b"connection" and b"close" in value.lower() for name, value in scope["headers"]
    )


async def drain_request_body(receive: Receive, seconds: float) -> None:
    """Read and discard a request's body until it ends, the client disconnects, or the time is over."""
    size = 0
    try:
        async with asyncio.timeout(seconds):
            more = True
            while more and size < _MAX_DRAINED_BYTES:
                message = await receive()
                size += len(message.get("body", b""))
                more = message.get("more_body", False)
    except TimeoutError:
        pass
