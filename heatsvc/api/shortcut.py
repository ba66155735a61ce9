"""Shortcut: FastAPI, and a way past its layers for the one request that is made thousands of times a second."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, cast

from fastapi import FastAPI
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from heatsvc.api.door import Door
from heatsvc.api.service import Service


class ShortcutApp(FastAPI):
    """An app whose `shortcut` is answered without telemetry, error pages and a search among the routes.

    For a small clip these cost a fifth of what drawing it does. The door and the handlers of exceptions stand in the
    shortcut too. It is not taken where somebody put further layers around the app, where it is mounted under a path,
    or where OpenTelemetry is set up in the environment, which would miss what passes by here.
    """

    shortcut: Route | None = None
    service: Service | None = None
    _short: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the app's start and end."""
        if (
            self._short is not None
            and self.shortcut is not None
            and scope["type"] == "http"
            and scope["path"] == self.shortcut.path
            and scope["method"] == "POST"
            and not scope.get("root_path")
        ):
            scope["app"] = self
            await self._short(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    def build_middleware_stack(self) -> ASGIApp:
        """All layers; now that no more can come, it is known whether the shortcut misses any."""
        further = [layer for layer in self.user_middleware if cast(object, layer.cls) is not Door]
        if self.shortcut is not None and self.service is not None and not further and not _is_traced():
            self._short = Door(_Handled(self.shortcut.app, self.exception_handlers), self.service)
        return super().build_middleware_stack()


class _Handled:
    """An app and the handlers of its exceptions, which are asked for once there is one."""

    def __init__(self, app: ASGIApp, handlers: Mapping[Any, Any]) -> None:
        self._app = app
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; what no handler knows is raised. Those that one knows come before an answer has begun."""
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            # Popped, so that the error, which knows the frames it came through, is not known by one of them.
            raised = [error]

            async def fail(scope: Scope, receive: Receive, send: Send) -> None:
                raise raised.pop()

            await ExceptionMiddleware(fail, self._handlers)(scope, receive, send)


def _is_traced() -> bool:
    return any(name.startswith(("OTEL_", "FASTAPI_OTEL_")) for name in os.environ)
