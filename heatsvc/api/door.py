"""The door: what every request passes on its way in and out, as one layer of plain ASGI."""

from __future__ import annotations

import hmac
import random
import re
from time import perf_counter

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from heatsvc.api.problems import ClientGoneError, busy, problem
from heatsvc.api.send import LINE, WHOLE, Line
from heatsvc.api.service import Service

log = structlog.get_logger("heatsvc.request")

# What a key is not needed for: a load balancer and a Prometheus server have none.
_OPEN_PATHS = frozenset({"/health/live", "/health/ready", "/metrics"})
_ID_LENGTH = 128
_VISIBLE = re.compile(rb"[!-~]+").fullmatch


class Door:
    """Gives each request an id, asks for a key, bounds requests in flight, counts and logs.

    Exceptions that no handler knew end here, as a 500 and a line in the log.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service
        self._keys = [key.get_secret_value().encode() for key in service.settings.api_keys]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        request_id = _request_id(scope)
        status = 0
        line: Line | None = scope.get(LINE)
        answered = False

        async def answer(message: Message) -> None:
            nonlocal status, answered
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id)]
                if line is not None and WHOLE in message:
                    answered = line.answer(send, message["headers"], message[WHOLE])
                    if answered:
                        del message[WHOLE]  # the body need not be put together
            # A layer that has copied the start sends its body all the same.
            if not answered:
                await send(message)

        metrics = self._service.metrics
        metrics.in_flight += 1
        try:
            refusal = self._refusal(scope)
            await (refusal or self._app)(scope, receive, answer)
        except ClientGoneError:
            status = 499
        except Exception:
            log.exception("failed", request_id=request_id.decode(), path=scope["path"])
            if not status:
                await problem(500, "the service failed; its log tells more under this request's id")(
                    scope, receive, answer
                )
        finally:
            metrics.in_flight -= 1
            seconds = perf_counter() - started
            route = scope.get("route")
            path = getattr(route, "path_format", "unknown")
            metrics.count_request(scope["method"], path, status, seconds)
            if self._service.settings.access_log:
                log.info(
                    "request",
                    request_id=request_id.decode(),
                    method=scope["method"],
                    path=scope["path"],
                    status=status,
                    milliseconds=round(1e3 * seconds, 3),
                )

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        """The problem to answer at once with, or None to let the request in."""
        path = scope["path"]
        if self._service.in_flight > self._service.settings.max_in_flight and path not in _OPEN_PATHS:
            limit = self._service.settings.max_in_flight
            error = busy(f"{limit} requests are in flight already (setting HEATSVC_MAX_IN_FLIGHT)")
            return problem(503, error.detail, headers=error.headers, setting="HEATSVC_MAX_IN_FLIGHT", limit=limit)
        if self._keys and path not in _OPEN_PATHS and not self._has_key(scope):
            return problem(
                401,
                "send a key of this service as Authorization: Bearer ...",
                headers={"WWW-Authenticate": 'Bearer realm="heatsvc"'},
            )
        return None

    def _has_key(self, scope: Scope) -> bool:
        """Whether one of the keys was sent; each is compared, in a time that tells nothing of it."""
        sent = b""
        for name, value in scope["headers"]:
            if name == b"authorization" and value[:7].lower() == b"bearer ":
                sent = value[7:].strip()
        found = False
        for key in self._keys:
            found |= hmac.compare_digest(key, sent)
        return found


def _request_id(scope: Scope) -> bytes:
    """The client's own id where it sent a decent one, so that logs can be joined; else a new one."""
    for name, value in scope["headers"]:
        if (
            name == b"x-request-id"
            and 0 < len(value) <= _ID_LENGTH
            and value.isascii()
            and value.decode().isprintable()
        ):
            return bytes(value)
    return b"%016x" % random.getrandbits(64)  # tells lines of a log apart, keeps no secret
